"use strict";
// Exchanges the main part of the page when the server has another one, and lets "... ago" run on. Nothing here builds
// HTML from data: the server has escaped what it sends.
(() => {
  const EVERY_MS = 2000;
  const main = document.getElementById("main");
  const connection = document.getElementById("connection");
  let serverAhead = Date.parse(main.dataset.serverTime) - Date.now();
  let tag = "";
  let lastSuccess = Date.now();

  function ago(seconds) {
    if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s ago`;
    if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
    return seconds < 172800 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86400)} days ago`;
  }

  function tick() {
    for (const element of main.querySelectorAll("time[data-ago]")) {
      const moment = Date.parse(element.dateTime);
      if (!Number.isNaN(moment)) {
        element.title = element.dateTime;
        element.textContent = ago((Date.now() + serverAhead - moment) / 1000);
      }
    }
  }

  function exchange(html) {
    const open = [...main.querySelectorAll("details[open]")].map((element) => element.id);
    const places = [...main.querySelectorAll(".scroll")].map((element) => element.scrollLeft);
    const focused = document.activeElement && document.activeElement.closest("details");
    const focusedId = focused ? focused.id : "";
    main.innerHTML = html;
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    main.querySelectorAll(".scroll").forEach((element, place) => { element.scrollLeft = places[place] || 0; });
    if (focusedId) document.getElementById(focusedId)?.querySelector("summary")?.focus({ preventScroll: true });
  }

  async function look() {
    try {
      const answer = await fetch("body", { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
      if (answer.status === 200) {
        exchange(await answer.text());
        tag = answer.headers.get("ETag") || "";
      } else if (answer.status !== 304) {
        throw new Error(String(answer.status));
      }
      serverAhead = Date.parse(answer.headers.get("Date")) - Date.now() || serverAhead;
      lastSuccess = Date.now();
      connection.hidden = true;
    } catch {
      connection.textContent = `No connection to the dashboard; the numbers are ${ago((Date.now() - lastSuccess) / 1000)
        .replace(" ago", "")} old.`;
      connection.hidden = false;
    }
    tick();
    setTimeout(look, EVERY_MS);
  }

  tick();
  setInterval(tick, 1000);
  setTimeout(look, EVERY_MS);
})();
