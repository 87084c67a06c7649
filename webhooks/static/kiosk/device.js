// What only a registered kiosk does: keep the page for when the network is gone, and fill the screen at the first touch. And
// printing, which every browser can.
import { onPage } from "./page.js";

if ("device" in document.body.dataset) {
  navigator.serviceWorker?.register("/worker.js").catch(() => {});
  document.addEventListener("pointerup", () => {
    if (!document.fullscreenElement && document.fullscreenEnabled) document.documentElement.requestFullscreen().catch(() => {});
  });
  document.addEventListener("contextmenu", (event) => event.preventDefault());
}

onPage(() => {
  const button = document.querySelector("[data-print-page]");
  if (!button || "noPrinter" in button.dataset) return;
  button.hidden = false;
  button.addEventListener("click", () => window.print());
});

// A sketch that is folded away is needed on paper.
let folded = [];
window.addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details.map:not([open]), details.whole:not([open])")];
  for (const one of folded) one.open = true;
});
window.addEventListener("afterprint", () => {
  for (const one of folded) one.open = false;
});
