// The phone of /simulator: sends texts, shows the answers, and looks for texts that come later.
"use strict";

const form = document.getElementById("phone");
const thread = document.getElementById("thread");
const screen_ = document.getElementById("screen");
const problem = document.getElementById("problem");
const field = document.getElementById("text");
const number = document.getElementById("number");
const newest = new Map(); // by number: the last later text shown

function add(who, text, details) {
  const item = document.createElement("li");
  item.className = who;
  const words = document.createElement("div");
  words.className = "text";
  words.dir = "auto";
  words.textContent = text;
  item.append(words);
  if (details) {
    const meta = document.createElement("p");
    meta.className = "meta";
    meta.textContent = details;
    item.append(meta);
  }
  thread.append(item);
  screen_.scrollTop = screen_.scrollHeight;
}

function size(message) {
  const segments = message.segments === 1 ? "1 segment" : `${message.segments} segments`;
  return `${message.encoding}, ${message.units} units, ${segments}, ${message.cost}`;
}

async function send(text) {
  const response = await fetch("/simulator/send", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ number: number.value, text }),
  });
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail || body.title);
  for (const answer of body.answers) add("bot", answer.text, size(answer));
  if (!body.answers.length) problem.textContent = "No answer: the service is silent.";
}

async function look() {
  const asked = number.value;
  const query = new URLSearchParams({ number: asked, after: newest.get(asked) || 0 });
  const response = await fetch(`/simulator/messages?${query}`);
  if (!response.ok || asked !== number.value) return;
  for (const message of (await response.json()).messages) {
    if (message.number <= (newest.get(asked) || 0)) continue;
    newest.set(asked, message.number);
    add("bot", message.text, `came later, ${size(message)}`);
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = field.value;
  field.value = "";
  problem.textContent = "";
  add("person", text);
  try {
    await send(text);
  } catch (error) {
    problem.textContent = String(error.message || error);
  }
});

field.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});

number.addEventListener("change", () => {
  thread.replaceChildren();
  newest.delete(number.value);
});

setInterval(() => look().catch(() => {}), 2000);
