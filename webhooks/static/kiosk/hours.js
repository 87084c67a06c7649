// At a kiosk the page that the quick exit leads to goes back to the start screen when nobody touches it.
let timer;
function begin() {
  clearTimeout(timer);
  if ("device" in document.body.dataset) timer = setTimeout(() => location.replace("/"), Number(document.body.dataset.idle) * 1000);
}
for (const kind of ["pointerdown", "keydown", "scroll"]) document.addEventListener(kind, begin, { passive: true });
begin();
