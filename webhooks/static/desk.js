// What the desk can do better with scripts: rows that change by themselves, ready replies at the cursor, translation, keys.
"use strict";
(() => {
  const live = document.getElementById("live");
  const POLL = 10000;

  // ---- the queue -------------------------------------------------------------------------------------------------------------
  const groups = Object.fromEntries([...document.querySelectorAll("[data-group]")].map((one) => [one.dataset.group, one]));
  const orders = new Map();

  const groupOf = (row) => {
    if (row.status === "open") return "waiting";
    if (row.status === "claimed") return String(row.owner) === live.dataset.staff ? "mine" : "colleagues";
    return "answered";
  };

  const put = (row) => {
    const old = document.querySelector(`tr[data-case="${CSS.escape(row.id)}"]`);
    const focused = old && old.contains(document.activeElement);
    const isNew = !old;
    if (!row.html) {
      old?.remove();
      orders.delete(row.id);
      return;
    }
    // The row comes from our own server's template, which escapes what people wrote.
    const template = document.createElement("template");
    template.innerHTML = row.html.trim();
    const fresh = template.content.firstElementChild;
    old?.remove();
    orders.set(row.id, row.order);
    const body = groups[groupOf(row)].querySelector("tbody");
    const after = [...body.children].find((one) => (orders.get(one.dataset.case) || "") > row.order);
    body.insertBefore(fresh, after || null);
    if (focused) fresh.querySelector("a").focus();
    if (row.urgent && row.status === "open" && (isNew || row.rings > 1)) alarm();
  };

  const alarm = () => {
    const place = document.getElementById("alarm");
    if (place) place.textContent = `A crisis is waiting. ${new Date().toLocaleTimeString()}`;
    document.title = "(!) " + document.title.replace(/^\(!\) /, "");
  };

  const count = () => {
    for (const [name, group] of Object.entries(groups)) {
      const rows = group.querySelectorAll("tbody tr").length;
      group.querySelector(".count").textContent = rows;
      group.querySelector("thead").hidden = rows === 0;
      group.querySelector(".nobody").hidden = rows > 0;
      group.hidden = rows === 0 && name !== "waiting";
    }
  };

  const all = (rows) => {
    const there = new Set(rows.map((row) => row.id));
    for (const old of document.querySelectorAll("tr[data-case]")) if (!there.has(old.dataset.case)) old.remove();
    rows.forEach((row) => orders.set(row.id, row.order));
    rows.forEach(put);
    count();
  };

  // ---- a case ----------------------------------------------------------------------------------------------------------------
  const thread = document.getElementById("thread");
  const refresh = async () => {
    const answer = await fetch(live.dataset.thread, { headers: { "X-Careline-Poll": "1" } });
    if (!answer.ok || answer.redirected) return;
    thread.innerHTML = await answer.text();
    offerTranslation();
  };
  const owned = (rows) => {
    const row = rows.find((one) => one.id === live.dataset.case);
    if (!row || !row.status) return;
    if (row.status !== live.dataset.status || String(row.owner ?? "") !== live.dataset.owner) {
      live.textContent = "This case has changed hands or state meanwhile. Load the page again to go on; your text stays until then.";
    }
  };

  // ---- listening, or asking ----------------------------------------------------------------------------------------------------
  let asking = null;
  const ask = async () => {
    if (groups.waiting) {
      const answer = await fetch(live.dataset.rows, { headers: { "X-Careline-Poll": "1" } });
      if (answer.ok && !answer.redirected) all(await answer.json());
    } else if (thread) await refresh();
  };
  const askNowAndThen = () => {
    if (asking) return;
    live.dataset.state = "polling";
    ask().catch(() => {});
    asking = setInterval(() => ask().catch(() => {}), POLL);
  };
  const stopAsking = () => {
    clearInterval(asking);
    asking = null;
    live.dataset.state = "live";
  };
  const listen = () => {
    const source = new EventSource(live.dataset.live);
    source.addEventListener("open", stopAsking);
    source.addEventListener("all", (event) => (groups.waiting ? all(JSON.parse(event.data)) : owned(JSON.parse(event.data))));
    source.addEventListener("rows", (event) => {
      const rows = JSON.parse(event.data);
      if (groups.waiting) {
        rows.forEach(put);
        count();
      } else owned(rows);
    });
    source.addEventListener("case", () => refresh().catch(() => {}));
    source.addEventListener("error", () => {
      askNowAndThen();
      if (source.readyState === EventSource.CLOSED) setTimeout(listen, 3 * POLL);
    });
    addEventListener("pagehide", () => source.close());
  };
  if (live?.dataset.live) {
    if ("EventSource" in window) listen();
    else askNowAndThen();
  }

  // ---- how long somebody has waited --------------------------------------------------------------------------------------------
  const ago = (since) => {
    const minutes = Math.max(0, Math.floor((Date.now() - since) / 60000));
    if (minutes < 60) return `${minutes} min`;
    if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
    return `${Math.floor(minutes / 1440)} days`;
  };
  setInterval(() => {
    for (const one of document.querySelectorAll("time[data-ago]")) one.textContent = ago(Date.parse(one.dateTime));
  }, 30000);

  // ---- ready replies and translation -------------------------------------------------------------------------------------------
  const text = document.getElementById("text");
  document.getElementById("ready")?.addEventListener("click", (event) => {
    const link = event.target.closest("[data-ready]");
    if (!link || !text) return;
    event.preventDefault();
    const start = text.selectionStart ?? text.value.length;
    const gap = start > 0 && !/\s$/.test(text.value.slice(0, start)) ? " " : "";
    text.setRangeText(gap + link.dataset.ready, start, text.selectionEnd ?? start, "end");
    text.focus();
  });

  const translate = async (words, direction) => {
    const body = new URLSearchParams({ text: words, direction, token: live.dataset.token });
    const answer = await fetch(live.dataset.translate, { method: "POST", body });
    const found = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(found.problem || "The translator does not answer.");
    return found;
  };
  const offerTranslation = () => {
    for (const button of document.querySelectorAll("[data-translate][type=button]")) button.hidden = false;
  };
  offerTranslation();
  thread?.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-translate]");
    if (!button) return;
    const place = document.createElement("div");
    place.className = "text machine";
    place.setAttribute("role", "status");
    try {
      const found = await translate(button.parentElement.querySelector(".text").textContent, "in");
      place.textContent = `By machine: ${found.text}`;
      place.lang = found.language;
    } catch (error) {
      place.textContent = error.message;
    }
    button.replaceWith(place);
  });
  const out = document.getElementById("translate-out");
  if (out) out.hidden = false;
  out?.addEventListener("click", async () => {
    const place = document.getElementById("translated");
    const own = text.value;
    if (!own.trim()) return text.focus();
    try {
      const found = await translate(own, "out");
      text.value = found.text;
      place.textContent = `You wrote: ${own}`;
    } catch (error) {
      place.textContent = error.message;
    }
    text.focus();
  });

  // ---- keys --------------------------------------------------------------------------------------------------------------------
  const keysButton = document.getElementById("keys-button");
  const keys = document.getElementById("keys");
  const showKeys = () => {
    keys.hidden = !keys.hidden;
    keysButton.setAttribute("aria-expanded", String(!keys.hidden));
  };
  if (keysButton) {
    keysButton.hidden = false;
    keysButton.addEventListener("click", showKeys);
  }
  const step = (by) => {
    const links = [...document.querySelectorAll("tr[data-case] a")];
    const now = links.indexOf(document.activeElement);
    links[Math.min(links.length - 1, Math.max(0, now + by))]?.focus();
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, [contenteditable]")) return;
    const press = { j: () => step(1), k: () => step(-1), "/": () => document.getElementById("search")?.focus(), r: () => text?.focus() };
    const act = press[event.key] || (event.key === "?" && keys ? showKeys : null);
    const pressed = ["c", "q"].includes(event.key) ? document.querySelector(`[data-key="${event.key}"]`) : null;
    if (act) act();
    else if (pressed) pressed.click();
    else return;
    event.preventDefault();
  });
})();
