// When nobody does anything: ask, with one large button, for a minute; then erase. Never while something is being read, heard or
// written. The time can be made ten times as long, and each press of the button begins it anew, as often as somebody likes.
import { speaking } from "./aloud.js";
import { hearing } from "./microphone.js";
import { fields, onPage } from "./page.js";

const ASKED = 60;
let touched = Date.now();
let asking = 0;
let composing = false;

const touch = () => { touched = Date.now(); };
for (const kind of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart", "touchmove", "input"]) {
  document.addEventListener(kind, touch, { capture: true, passive: true });
}
document.addEventListener("compositionstart", () => { composing = true; });
document.addEventListener("compositionend", () => { composing = false; touch(); });

onPage(() => {
  touch();
  const notice = document.querySelector(".scripted");
  if (notice) notice.hidden = false;
  document.querySelector("[data-stay]")?.addEventListener("click", stay);
  document.getElementById("idle")?.addEventListener("cancel", stay);
});

function begun() {
  const written = [...document.querySelectorAll("textarea, input:not([type=hidden], [type=radio], [type=checkbox])")].some((one) => one.value);
  return "started" in document.body.dataset || written || ("device" in document.body.dataset && document.querySelector("form.ends") !== null);
}

function stay() {
  asking = 0;
  touch();
  const dialog = document.getElementById("idle");
  if (dialog?.open) dialog.close();
}

setInterval(() => {
  const dialog = document.getElementById("idle");
  if (!dialog || !begun()) return;
  if (composing || speaking() || hearing()) touch();
  if (dialog.open) {
    const left = Math.max(0, Math.ceil(ASKED - (Date.now() - asking) / 1000));
    const text = document.getElementById("idle-text");
    text.textContent = text.textContent.replace(/\u2068.*?\u2069/, `\u2068${left}\u2069`);
    if (left === 0) end();
  } else if (Date.now() - touched > Number(document.body.dataset.idle) * 1000) {
    asking = Date.now();
    dialog.showModal();
    dialog.querySelector("button").focus();
  }
}, 500);

async function end() {
  const told = fields({ action: "idle" });
  document.body.replaceChildren();
  document.title = "";
  try {
    const response = await fetch("/", { method: "POST", body: new URLSearchParams(told), cache: "no-store" });
    location.replace(response.redirected ? response.url : "/?idle=1");
  } catch {
    location.replace("/?idle=1");
  }
}
