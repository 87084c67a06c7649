// What the other modules share: the page's parts change, the document stays, so that the browser's history holds one entry.

const watchers = [];

/** Call `begin` now and whenever the page's parts have been exchanged. */
export function onPage(begin) {
  watchers.push(begin);
  begin();
}

/** Put the parts of a page that came from the server in the place of those that are here. */
export function exchange(html) {
  const next = new DOMParser().parseFromString(html, "text/html");
  if (!next.querySelector("main")) return false;
  for (const { name } of [...document.documentElement.attributes]) document.documentElement.removeAttribute(name);
  for (const { name, value } of next.documentElement.attributes) document.documentElement.setAttribute(name, value);
  document.title = next.title;
  document.body.replaceWith(document.adoptNode(next.body));
  for (const begin of watchers) begin();
  window.scrollTo({ top: 0, behavior: "instant" }); // an answer that slides in makes people seasick
  const first = document.querySelector("#notice.wrong") ?? document.getElementById("answer") ?? document.querySelector("h1");
  first?.setAttribute("tabindex", "-1");
  first?.focus({ preventScroll: Boolean(first.matches("h1")) });
  return true;
}

/** Exchange the answer alone, so that nobody who is writing is disturbed. */
export function exchangeAnswer(html) {
  const next = new DOMParser().parseFromString(html, "text/html").getElementById("result");
  const here = document.getElementById("result");
  if (!next || !here) return;
  next.querySelector("[autofocus]")?.removeAttribute("autofocus");
  const focused = here.contains(document.activeElement);
  here.replaceWith(document.adoptNode(next));
  for (const begin of watchers) begin();
  if (focused) document.getElementById("answer").focus();
  const busy = document.getElementById("busy");
  busy.textContent = busy.dataset.new;
}

/** The fields every form of the page carries. */
export function fields(more = {}) {
  const form = document.querySelector("form.ends");
  const data = form ? new FormData(form) : new FormData();
  for (const [name, value] of Object.entries(more)) data.set(name, value);
  return data;
}

export const atKiosk = () => "device" in document.body.dataset;

// Whatever the browser kept to show again when somebody goes back is thrown away.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.replace("/");
});
