// Read aloud with a voice of the device. Voices that send the text to somebody's servers are left out; where there is no voice
// of its own for the language, the sound player of the page (espeak-ng, on our server) stays.
import { onPage } from "./page.js";

let reading = false;
export const speaking = () => reading || [...document.querySelectorAll("audio")].some((one) => !one.paused && !one.ended);

const CODES = { tl: ["tl", "fil"], zh: ["zh", "cmn"] };

function voiceFor(language) {
  const codes = CODES[language] ?? [language];
  const own = (window.speechSynthesis?.getVoices() ?? []).filter((voice) => voice.localService);
  return own.find((voice) => codes.includes(voice.lang.toLowerCase().split(/[-_]/)[0]));
}

onPage(prepare);
window.speechSynthesis?.addEventListener?.("voiceschanged", prepare);
window.addEventListener("pagehide", () => window.speechSynthesis?.cancel());

function prepare() {
  const button = document.querySelector("[data-aloud]");
  const text = document.getElementById("spoken");
  if (!button || !text) {
    stop();
    return;
  }
  const voice = voiceFor(document.documentElement.lang);
  button.hidden = !voice;
  const player = document.querySelector(".listen audio");
  if (player) player.hidden = Boolean(voice);
  if (!voice || button.dataset.ready) return;
  button.dataset.ready = "yes";
  button.dataset.start = button.querySelector("span").textContent;
  button.addEventListener("click", () => (reading ? stop() : read(button, text, voice)));
}

function read(button, text, voice) {
  const blocks = [...text.querySelectorAll("h2, p, li")].filter(
    (one) => !one.querySelector("p, li") && !one.closest("form, .ways .plain") && one.checkVisibility() && one.textContent.trim(),
  );
  button.querySelector("span").textContent = button.dataset.stop;
  reading = true;
  const next = () => {
    document.querySelector(".being-read")?.classList.remove("being-read");
    const block = blocks.shift();
    if (!block || !reading) {
      stop();
      return;
    }
    const said = new SpeechSynthesisUtterance(block.textContent.replace(/\s+/g, " ").trim());
    said.voice = voice;
    said.lang = voice.lang;
    said.rate = 0.85;
    said.onend = next;
    said.onerror = stop;
    block.classList.add("being-read");
    window.speechSynthesis.speak(said);
  };
  next();
}

function stop() {
  reading = false;
  window.speechSynthesis?.cancel();
  document.querySelector(".being-read")?.classList.remove("being-read");
  const button = document.querySelector("[data-aloud][data-ready]");
  if (button) button.querySelector("span").textContent = button.dataset.start;
}
