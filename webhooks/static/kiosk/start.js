// The greetings of the start screen, one after the other; they can be held still, and are where somebody wants no movement.
const greetings = [...document.querySelectorAll("#greetings p")];
const button = document.getElementById("still");
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
let timer = null;
let current = 0;

function step() {
  greetings[current].classList.remove("current");
  current = (current + 1) % greetings.length;
  greetings[current].classList.add("current");
}

function move() {
  document.getElementById("greetings").classList.add("moving");
  timer = setInterval(step, 4000);
}

function hold() {
  clearInterval(timer);
  timer = null;
}

if (!calm.matches && greetings.length > 1) {
  const still = button.textContent;
  button.hidden = false;
  button.addEventListener("click", () => {
    if (timer) hold();
    else move();
    button.textContent = timer ? still : button.dataset.goOn;
  });
  move();
}

// A start screen that has stood for long loads itself anew, so that what it says is never old; without a network it stays.
setInterval(async () => {
  try {
    if ((await fetch("/healthz", { cache: "no-store" })).ok) location.replace("/");
  } catch { /* still no network */ }
}, 30 * 60 * 1000);
