/* Small comforts of every page. Each works on what the page already says; without this file all forms and links still work.
   The server may send  HX-Trigger: {"focus": "#id", "say": "Saved."}  with a partial. */
(() => {
  "use strict";

  const byId = (id) => document.getElementById(id);
  const each = (root, selector, act) => root.querySelectorAll(selector).forEach(act);

  /* Speaking: the live regions stand in the page from the start; the same words twice are heard only after clearing. */
  let speaking;
  function say(text) {
    const region = byId("status");
    if (!region || !text) return;
    region.textContent = "";
    clearTimeout(speaking);
    speaking = setTimeout(() => { region.textContent = text; }, 120);
  }

  function alarm(kind) {
    const region = byId("alert");
    if (region) region.textContent = kind ? region.dataset[kind] : "";
  }

  document.addEventListener("say", (event) => say(event.detail && event.detail.value));
  document.addEventListener("htmx:responseError", (event) => alarm(event.detail.xhr.status >= 500 ? "failed" : "refused"));
  document.addEventListener("htmx:sendError", () => alarm("unreachable"));
  document.addEventListener("htmx:timeout", () => alarm("unreachable"));

  /* Focus: what the server named, else an error summary in what came. Native focus events do not bubble, htmx's do. */
  let focusNext;
  document.addEventListener("focus", (event) => { focusNext = event.detail && event.detail.value; });

  function focusOn(node) {
    if (!node) return;
    if (node.tabIndex < 0 && !node.hasAttribute("tabindex")) node.setAttribute("tabindex", "-1");
    node.focus();
  }

  function prepare(root) {
    each(root, "[data-toggle-password], [data-copy]", (button) => { button.hidden = false; });
    each(root, "[data-announce]", (note) => say(note.textContent.trim()));
  }

  prepare(document);
  focusOn(document.querySelector("[data-autofocus]"));

  document.addEventListener("htmx:afterSettle", (event) => {
    prepare(event.detail.elt.parentElement || document);
    focusOn(focusNext ? document.querySelector(focusNext) : event.detail.elt.closest("[data-autofocus]") || event.detail.elt.querySelector("[data-autofocus]"));
    focusNext = null;
  });

  /* Waiting: what is being replaced is busy; a hidden page asks nothing. A poll is the request that no event started. */
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { target, requestConfig } = event.detail;
    const polls = /\bevery\b/.test(event.detail.elt.getAttribute("hx-trigger") || "") && !requestConfig.triggeringEvent;
    if (polls && document.hidden) return event.preventDefault();
    if (!polls) target.setAttribute("aria-busy", "true");
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    event.detail.target.removeAttribute("aria-busy");
    if (event.detail.successful) alarm("");
    const form = event.detail.elt.closest("form");
    if (form) ready(form);
  });

  /* Sending twice: the button stays focusable and only says that it is at work. A download never leaves the page, hence the time limit. */
  const AT_WORK_MS = 8000;
  function ready(form) {
    delete form.dataset.sent;
    each(form, "button[data-at-work]", (button) => {
      button.removeAttribute("aria-disabled");
      delete button.dataset.atWork;
    });
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    form.dataset.sent = "yes";
    const button = event.submitter;
    if (button) {
      button.dataset.atWork = "yes";
      button.setAttribute("aria-disabled", "true");
    }
    setTimeout(ready, AT_WORK_MS, form);
  }, true);

  /* Leaving and coming back: secrets go with the page, a private page is never shown from memory. */
  window.addEventListener("pagehide", () => each(document, "[data-secret]", (node) => node.remove()));
  window.addEventListener("pageshow", (event) => {
    if (event.persisted && "private" in document.body.dataset) location.reload();
    else each(document, "form[data-sent]", ready);
  });

  /* Copying */
  async function copy(button) {
    const source = button.dataset.copy ? document.querySelector(button.dataset.copy) : button.closest(".copy").querySelector("[data-copy-text]");
    const text = "value" in source ? source.value : source.textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      getSelection().selectAllChildren(source); // no clipboard without https: the text is marked for Ctrl+C
      return;
    }
    const label = button.querySelector("[data-copy-label]") || button;
    const before = button.dataset.before || (button.dataset.before = label.textContent);
    label.textContent = button.dataset.copied;
    say(button.dataset.copied);
    setTimeout(() => { label.textContent = before; }, 2500);
  }

  function togglePassword(button) {
    const field = document.querySelector(button.dataset.togglePassword);
    const show = field.type === "password";
    field.type = show ? "text" : "password";
    button.firstChild.textContent = show ? button.dataset.hide : button.dataset.show;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy], [data-toggle-password]");
    if (button) "copy" in button.dataset ? copy(button) : togglePassword(button);
    each(document, "details[data-menu][open]", (menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });
  document.addEventListener("focusin", (event) => {
    each(document, "details[data-menu][open]", (menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("details[data-menu][open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
})();
