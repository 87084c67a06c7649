// The phone of /simulator calls: plays what the service says, sends keys and words, like the provider would.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const thread = byId("call-thread");
  const words = byId("words");
  const problem = byId("call-problem");
  const keypad = [...document.querySelectorAll("#keypad button")];
  let call = null; // the call's id
  let waits = "end";
  let playing = 0; // counts up, so that what is interrupted stops
  let sound = null;

  function show(who, text, language, details) {
    const item = document.createElement("li");
    item.className = who;
    const line = document.createElement("div");
    line.className = "text";
    line.dir = "auto";
    if (language) line.lang = language;
    line.textContent = text;
    item.append(line);
    if (details) {
      const meta = document.createElement("p");
      meta.className = "meta";
      meta.textContent = details;
      item.append(meta);
    }
    thread.append(item);
    byId("call-screen").scrollTop = byId("call-screen").scrollHeight;
  }

  function hush() {
    playing += 1;
    if ("speechSynthesis" in window) speechSynthesis.cancel();
    if (sound) sound.pause();
    sound = null;
  }

  function voiceFor(language) {
    if (!("speechSynthesis" in window) || !language) return null;
    const code = language.toLowerCase().split("-")[0].replace("cmn", "zh");
    const voices = speechSynthesis.getVoices();
    return voices.find((voice) => voice.localService && voice.lang.toLowerCase().split(/[-_]/)[0] === code) || null;
  }

  function playFile(address) {
    return new Promise((done) => {
      sound = new Audio(address);
      sound.onended = sound.onerror = sound.onpause = done;
      sound.play().catch(done);
    });
  }

  function speak(text, voice) {
    return new Promise((done) => {
      const said = new SpeechSynthesisUtterance(text);
      said.voice = voice;
      said.lang = voice.lang;
      said.onend = said.onerror = done;
      speechSynthesis.speak(said);
    });
  }

  async function play(heard) {
    const mine = playing;
    for (const one of heard) {
      if (mine !== playing) return;
      const voice = one.played ? null : voiceFor(one.language);
      if (voice) await speak(one.text, voice);
      else if (one.sound) await playFile(one.sound);
    }
  }

  function ready() {
    const listening = waits === "key" || waits === "words" || waits === "number";
    for (const key of keypad) key.disabled = !listening;
    words.disabled = !(waits === "words" || waits === "number");
    for (const button of document.querySelectorAll("#speak button")) button.disabled = !(listening || waits === "record");
    byId("line").hidden = waits !== "dial";
    byId("tape").hidden = waits !== "record";
    byId("hang-up").disabled = call === null;
    byId("dial").disabled = call !== null;
  }

  async function post(path, body) {
    problem.textContent = "";
    hush();
    const response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const turn = await response.json();
    if (!response.ok) throw new Error(turn.detail || turn.title);
    return turn;
  }

  async function send(body, said) {
    if (said) show("person", said);
    try {
      const turn = await post(call === null ? "/simulator/call" : `/simulator/call/${encodeURIComponent(call)}`, body);
      call = turn.call;
      waits = turn.waits;
      for (const one of turn.heard) show("bot", one.text, one.language, one.played ? "a sound of the service" : one.language);
      if (waits === "dial") show("bot", `Rings ${turn.numbers.join(", ")}`);
      if (waits === "record") show("bot", "(tone)");
      if (waits === "end") {
        show("bot", "The call has ended.");
        call = null;
      }
      ready();
      play(turn.heard);
    } catch (error) {
      problem.textContent = String(error.message || error);
    }
  }

  byId("dial").addEventListener("click", () => {
    thread.replaceChildren();
    send({ number: byId("number").value });
  });
  byId("hang-up").addEventListener("click", () => send({ action: "hang_up" }));
  byId("wait").addEventListener("click", () => send({ action: "wait" }, "…"));
  for (const button of document.querySelectorAll("#line button, #tape button")) {
    button.addEventListener("click", () => send({ action: button.dataset.action }, button.textContent));
  }
  for (const key of keypad) {
    key.addEventListener("click", () => {
      if (waits === "number") words.value += key.dataset.key;
      if (waits !== "number") send({ keys: key.dataset.key }, key.dataset.key);
      else if (key.dataset.key === "#") byId("speak").requestSubmit();
    });
  }
  byId("speak").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = words.value.trim().replace(/#$/, "");
    words.value = "";
    if (text) send(waits === "number" ? { keys: text } : { say: text }, text);
  });

  ready();
})();
