// Forms are sent in the background: no history to go back to, and what was written stays when the network is gone.
import { exchange } from "./page.js";

let busy = false;

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const button = event.submitter;
  if (!(form instanceof HTMLFormElement) || form.method !== "post" || event.defaultPrevented) return;
  event.preventDefault();
  if (busy) return;
  const sent = new FormData(form, button);
  const lost = document.getElementById("lost");
  const status = document.getElementById("busy");
  busy = true;
  lost.hidden = true;
  form.setAttribute("aria-busy", "true");
  status.textContent = status.dataset.wait;
  try {
    const response = await fetch("/", { method: "POST", body: new URLSearchParams(sent), cache: "no-store" });
    if (response.redirected) {
      location.replace(response.url);
      return;
    }
    if (!exchange(await response.text())) throw new Error("no page");
  } catch {
    // The form still holds what was written, and its mark: sent again, it asks once.
    status.textContent = "";
    lost.hidden = false;
    lost.scrollIntoView({ block: "center" });
  } finally {
    busy = false;
    form.removeAttribute("aria-busy");
  }
});
