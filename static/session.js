/* The end of a log-in is said two minutes before, and put off in one act that leaves the page as it is. Without this file
   the foot of each page says when it ends, and what was sent too late is kept while somebody signs in again. */
(() => {
  "use strict";

  const dialog = document.getElementById("session-end");
  const live = document.getElementById("live-state");
  if (!dialog) return;
  const stayButton = dialog.querySelector("[data-stay-button]");
  const closeButton = dialog.querySelector("[data-close-button]");
  const heading = dialog.querySelector("h2");
  const text = dialog.querySelector("p");
  const words = { title: heading.textContent, text: text.textContent };
  const WARN = Number(dialog.dataset.warn);
  const ASK_AGAIN_MS = 15000;
  let timer, closed;

  const later = (seconds) => {
    clearTimeout(timer);
    timer = setTimeout(look, Math.max(1, seconds) * 1000);
  };

  /* The htmx header asks for an answer without a page: 286 and 401 say that nobody is signed in. */
  async function ask(url, method) {
    const headers = { "HX-Request": "true", "X-CSRFToken": dialog.dataset.token };
    const answer = await fetch(url, { method, headers, cache: "no-store", redirect: "manual" });
    return answer.status === 200 ? answer.json() : null;
  }

  async function look() {
    let left;
    try {
      left = await ask(dialog.dataset.left, "GET");
    } catch {
      return later(ASK_AGAIN_MS / 1000); // the portal cannot be reached just now: nothing is known
    }
    if (!left) return over();
    if (left.seconds > WARN) return goOn(left);
    warn(left);
    timer = setTimeout(look, Math.min(ASK_AGAIN_MS, Math.max(1, left.seconds) * 1000));
  }

  function goOn(left) {
    closed = false;
    if (dialog.open) dialog.close();
    later(left.seconds - WARN);
  }

  function show(title, said, mayStay) {
    if (heading.textContent !== title) heading.textContent = title;
    if (text.textContent !== said) text.textContent = said;
    stayButton.hidden = !mayStay;
    if (!dialog.open) dialog.showModal();
  }

  function warn(left) {
    if (closed) return;
    const last = left.whole <= left.seconds;
    show(words.title, last ? dialog.dataset.last : words.text, !last);
  }

  function over() {
    clearTimeout(timer);
    tell("out");
    show(dialog.dataset.overTitle, dialog.dataset.over, false);
  }

  async function stay() {
    try {
      const left = await ask(dialog.dataset.stay, "POST");
      if (left) goOn(left);
      else await look(); // signed in anew in another tab, or over
    } catch {
      later(1);
    }
  }

  stayButton.addEventListener("click", stay);
  closeButton.addEventListener("click", () => { closed = true; dialog.close(); });
  dialog.addEventListener("cancel", (event) => {
    if (stayButton.hidden) return;
    event.preventDefault();
    stay(); // whoever presses Escape is there
  });

  /* What asks again by itself pauses in the background, and ends with the log-in: both are said. */
  const polls = () => document.querySelector('[hx-trigger*="every"]') !== null;
  function tell(kind) {
    if (live && (kind === "" || polls())) live.textContent = kind ? live.dataset[kind] : "";
  }
  document.addEventListener("visibilitychange", () => {
    if (live.textContent === live.dataset.out) return;
    tell(document.hidden ? "away" : "");
    if (!document.hidden) look(); // timers rest while a computer sleeps
  });
  document.addEventListener("signed-out", () => tell("out"));

  later(Number(dialog.dataset.seconds) - WARN);
})();
