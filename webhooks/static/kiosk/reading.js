// Text size, colours and the like change at once; the choice stands in the page's forms only.
import { onPage } from "./page.js";

const USUAL = { size: "100", theme: "auto", contrast: "usual", motion: "usual", words: "full", time: "usual", print: "usual", both: "no" };

onPage(() => {
  const form = document.querySelector("form[data-reading]");
  form?.addEventListener("change", (event) => {
    const { name, value } = event.target;
    if (!(name in USUAL)) return;
    const chosen = read();
    chosen[name] = value;
    write(chosen);
    if (name === "words" || name === "time") {
      form.requestSubmit(); // the server folds the long text away, and knows the new time
      return;
    }
    document.documentElement.dataset[name] = value;
  });
});

function read() {
  const text = document.querySelector('input[name="reading"]')?.value ?? "";
  return { ...USUAL, ...Object.fromEntries(text.split(" ").filter(Boolean).map((part) => part.split("-"))) };
}

function write(chosen) {
  const own = Object.entries(chosen).filter(([name, value]) => USUAL[name] !== value);
  const text = own.map((pair) => pair.join("-")).join(" ");
  for (const input of document.querySelectorAll('input[name="reading"]')) input.value = text;
}
