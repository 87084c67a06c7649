// Speaking instead of typing, only where the browser understands speech by itself: most send the sound to their maker, and what
// somebody says at a kiosk goes to nobody (Web Speech API, `processLocally`).
import { onPage } from "./page.js";

const Recognition = window.SpeechRecognition;
const LOCALES = { en: "en-US", es: "es-ES", fr: "fr-FR", pt: "pt-BR", nl: "nl-NL", ar: "ar-EG", ur: "ur-PK", ne: "ne-NP", sw: "sw-KE", tl: "fil-PH", zh: "zh-CN", ja: "ja-JP" };
let listening = null;
export const hearing = () => listening !== null;

onPage(prepare);

async function prepare() {
  const button = document.querySelector("[data-microphone]");
  if (!button || !Recognition?.available || !("processLocally" in Recognition.prototype)) return;
  const language = LOCALES[document.documentElement.lang] ?? document.documentElement.lang;
  let state = "unavailable";
  try {
    state = await Recognition.available({ langs: [language], processLocally: true });
  } catch {
    return;
  }
  if (state !== "available") return;
  button.hidden = false;
  button.addEventListener("click", () => (listening ? listening.stop() : listen(button, language)));
}

function listen(button, language) {
  const field = document.getElementById("text");
  const status = document.getElementById("heard");
  let heard = "";
  listening = new Recognition();
  listening.lang = language;
  listening.processLocally = true;
  listening.interimResults = true;
  listening.onresult = (event) => {
    heard = [...event.results].map((result) => result[0].transcript).join(" ");
    field.value = heard;
  };
  listening.onend = () => {
    listening = null;
    button.setAttribute("aria-pressed", "false");
    status.textContent = heard ? "" : button.dataset.nothing;
    field.focus();
  };
  listening.onerror = () => {};
  button.setAttribute("aria-pressed", "true");
  status.textContent = button.dataset.listening;
  listening.start();
}
