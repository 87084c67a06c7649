// The service worker of a registered kiosk: one page for when the network is gone, with the files it needs. It holds nothing that
// anybody asked or was answered.
const CACHE = "careline-offline";
const NEEDED = ["/offline", "/static/careline.css", "/static/kiosk/kiosk.css", "/look.css", "/static/kiosk/offline.js", "/static/kiosk/icon.svg"];

async function keep() {
  const cache = await caches.open(CACHE);
  await Promise.all(NEEDED.map(async (address) => {
    const response = await fetch(address, { cache: "reload" });
    if (response.ok) await cache.put(address, response);
  }));
}

self.addEventListener("install", (event) => event.waitUntil(keep().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (address.origin !== location.origin) return;
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).then(
      (response) => {
        if (address.pathname === "/" && request.method === "GET") event.waitUntil(keep().catch(() => {}));
        return response;
      },
      () => caches.match("/offline"),
    ));
  } else if (request.method === "GET" && NEEDED.includes(address.pathname)) {
    event.respondWith(fetch(request).catch(() => caches.match(address.pathname)));
  }
});
