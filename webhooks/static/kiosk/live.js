// While a person's answer is awaited, it appears by itself: server-sent events, read from a POST so that no address holds the
// conversation's id; and every few seconds a question where the server has no connection left.
import { exchangeAnswer, fields, onPage } from "./page.js";

let connection = null;

onPage(() => {
  connection?.abort();
  const answer = document.getElementById("result");
  if (answer && "awaited" in answer.dataset) {
    connection = new AbortController();
    follow(answer, connection.signal);
  }
});
window.addEventListener("pagehide", () => connection?.abort());

const wait = (seconds, signal) => new Promise((done) => {
  const timer = setTimeout(done, seconds * 1000);
  signal.addEventListener("abort", () => { clearTimeout(timer); done(); });
});

async function follow(answer, signal) {
  let pause = 1;
  while (!signal.aborted && answer.isConnected) {
    try {
      const event = (await streamed(answer, signal)) ?? (await asked(answer, signal));
      if (event === "gone") return;
      if (event === "changed") {
        const response = await fetch("/", { method: "POST", body: new URLSearchParams(fields({ action: "look" })), signal });
        if (response.ok) exchangeAnswer(await response.text());
        return;
      }
      pause = 5;
    } catch {
      pause = Math.min(pause * 2, 30);
    }
    await wait(pause, signal);
  }
}

function body(answer) {
  const data = fields();
  return new URLSearchParams({ conversation: data.get("conversation") ?? "", seen: answer.dataset.version });
}

/** The next event of the stream; null when the stream ended or there was no place. */
async function streamed(answer, signal) {
  const response = await fetch("/live", { method: "POST", headers: { Accept: "text/event-stream" }, body: body(answer), signal });
  if (!response.ok || !response.body) return null;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return null;
    text += value;
    const found = text.match(/^event: (\w+)$/m);
    if (found) return found[1];
  }
}

async function asked(answer, signal) {
  const response = await fetch("/live", { method: "POST", headers: { Accept: "application/json" }, body: body(answer), signal });
  return response.ok ? (await response.json()).event : null;
}
