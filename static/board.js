/* The allocation board. The amount fields are the truth and what is sent; sliders, - and + and the sums only follow them.
   What it expects of the page: templates/macros/board.html. Nothing here saves, and no row ever moves another row. */
(() => {
  "use strict";

  const UNITS = { GB: { bytes: 1e9, zeros: 9 }, TB: { bytes: 1e12, zeros: 12 } };
  const TYPED = { ...UNITS, MB: { bytes: 1e6, zeros: 6 }, PB: { bytes: 1e15, zeros: 15 } };
  const SHOWN_AS = { MB: "GB", PB: "TB" }; // the field's own units are these two
  const WRITTEN = [["PB", 1e15], ["TB", 1e12], ["GB", 1e9], ["MB", 1e6], ["kB", 1e3], ["B", 1]];
  const FINEST_BYTES = UNITS.GB.bytes;
  const REST_MS = 600;
  const HOLD_MS = 400;
  const REPEAT_MS = 70;

  const touched = new WeakSet(); // rows the member moved: only their messages are ours, the others' are the server's
  const typed = new WeakSet(); // rows whose field was typed into: a change of unit then reads the same figure anew
  const overfull = new WeakSet(); // rows whose typing made the sum too big
  const shown = new WeakMap(); // row -> bytes last shown
  let rest;

  /* Figures. Whole bytes below 2^53, so plain numbers are exact. */

  const settings = (form) => ({
    reserved: Number(form.dataset.reserved),
    step: Number(form.dataset.step),
    elsewhere: Number(form.dataset.elsewhere || 0),
    point: form.dataset.decimal || ".",
    bounded: !("overdraft" in form.dataset),
  });

  function decimal(bytes, unit, point) {
    const { bytes: size, zeros } = UNITS[unit];
    const fraction = String(bytes % size).padStart(zeros, "0").replace(/0+$/, "");
    return Math.floor(bytes / size) + (fraction ? point + fraction : "");
  }

  /* As the server writes capacity: the largest fitting unit, at most three decimals. */
  function words(bytes, point) {
    const [unit, size] = WRITTEN.find(([, least]) => bytes >= least) || ["B", 1];
    const number = size === 1 ? String(bytes) : (Math.round(bytes / (size / 1000)) / 1000).toFixed(3).replace(/\.?0+$/, "");
    return number.replace(".", point) + "\u00a0" + unit;
  }

  const signed = (bytes, point) => (bytes < 0 ? "\u2212" : "+") + words(Math.abs(bytes), point);

  const fill = (pattern, values) => pattern.replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);

  /* Reading a row */

  /* Digits with at most one decimal sign. Where the reader's language groups thousands, the same sign groups here, or a space does. */
  function plain(text, point) {
    const [sign, group] = point === "," ? [",", "."] : [".", ","];
    const grouped = new RegExp(`^\\d{1,3}(?:([${group}' \u00a0\u202f])\\d{3}(?:\\1\\d{3})*)(?:[${sign}]\\d+)?$`);
    if (grouped.test(text)) return text.replace(new RegExp(`[${group}' \u00a0\u202f]`, "g"), "").replace(sign, ".");
    return /^\d+([.,]\d+)?$/.test(text) ? text.replace(",", ".") : "";
  }

  function read(row) {
    const [, text, named] = /^(.*?)\s*(MB|GB|TB|PB)?$/i.exec(row.querySelector("[data-amount]").value.trim());
    const number = plain(text, settings(row.closest("[data-board]")).point);
    if (!number) return { problem: "unreadable" };
    const unit = (named || row.querySelector("[data-unit]").value).toUpperCase();
    const { bytes: size, zeros } = TYPED[unit];
    const [whole, fraction = ""] = number.split(".");
    if (/[1-9]/.test(fraction.slice(zeros))) return { problem: "tooFine" };
    const bytes = Number(whole) * size + Number(fraction.slice(0, zeros).padEnd(zeros, "0"));
    if (!Number.isSafeInteger(bytes)) return { bytes: Number.MAX_SAFE_INTEGER, unit };
    return bytes % FINEST_BYTES ? { problem: "tooFine" } : { bytes, unit };
  }

  const saved = (row) => Number(row.dataset.saved);
  const own = (row) => read(row).bytes ?? saved(row);
  const rows = (form) => [...form.querySelectorAll("[data-row]")];
  const allocated = (form) => rows(form).reduce((sum, row) => sum + own(row), settings(form).elsewhere);

  function bounds(row, sum, { reserved, step, bounded }) {
    const value = own(row);
    const limit = bounded ? value + Math.max(0, reserved - sum) : Math.max(reserved, value); // too much already: only down
    const used = Math.ceil(Number(row.dataset.used) / step) * step;
    return { value, limit, floor: Math.min(used, value) };
  }

  /* Moving a row */

  function set(row, bytes) {
    const unit = row.querySelector("[data-unit]").value;
    row.querySelector("[data-amount]").value = decimal(bytes, unit, settings(row.closest("[data-board]")).point);
    touched.add(row);
    typed.delete(row);
  }

  function move(row, wanted) {
    const form = row.closest("[data-board]");
    const { limit, floor } = bounds(row, allocated(form), settings(form));
    set(row, Math.max(floor, Math.min(limit, wanted)));
    show(form);
    restSoon(form);
  }

  function moveBySteps(row, steps) {
    const { step } = settings(row.closest("[data-board]"));
    const at = own(row) / step;
    move(row, Math.max(0, ((steps > 0 ? Math.floor(at) : Math.ceil(at)) + steps) * step));
  }

  /* Showing */

  const put = (node, name, value) => node && node.getAttribute(name) !== String(value) && node.setAttribute(name, value);
  const say = (node, text) => node && node.textContent !== text && (node.textContent = text);

  function show(form) {
    const set = settings(form);
    const sum = allocated(form);
    const percent = (bytes) => (100 * Math.min(bytes, set.reserved) / set.reserved).toFixed(3) + "%";
    let changed = 0;
    for (const row of rows(form)) changed += showRow(form, row, sum, set, percent);
    showSum(form, sum, set, percent);
    for (const place of form.querySelectorAll("[data-changed]")) say(place, String(changed));
    for (const button of form.querySelectorAll("[data-discard]")) put(button, "aria-disabled", changed === 0);
  }

  function showRow(form, row, sum, set, percent) {
    const { value, limit, floor } = bounds(row, sum, set);
    const slider = row.querySelector("[data-slider] input");
    const difference = value - saved(row);
    shown.set(row, value);
    slider.value = Math.round(value / set.step);
    put(slider, "aria-valuetext", fill(form.dataset.valuetext, {
      value: words(value, set.point), total: words(set.reserved, set.point), used: words(Number(row.dataset.used), set.point),
    }));
    put(row.querySelector(".slider .wanted"), "width", percent(value));
    put(row.querySelector(".slider .reach"), "width", percent(limit));
    put(row.querySelector(".slider .used"), "width", percent(Math.min(value, Number(row.dataset.used))));
    put(row.querySelector("[data-less]"), "aria-disabled", value <= floor);
    put(row.querySelector("[data-more]"), "aria-disabled", value >= limit);
    say(row.querySelector("[data-diff]"), difference ? signed(difference, set.point) : "");
    row.classList.toggle("changed", difference !== 0);
    if (touched.has(row)) showProblem(form, row, sum, set);
    return difference !== 0 || read(row).problem ? 1 : 0;
  }

  function showProblem(form, row, sum, set) {
    if (!set.bounded || sum <= set.reserved) overfull.delete(row);
    const problem = read(row).problem || (overfull.has(row) ? "tooMuch" : "");
    const below = !problem && own(row) < Math.min(Number(row.dataset.used), saved(row));
    const place = row.querySelector("[data-problem]");
    const text = problem ? form.dataset[problem] : below ? form.dataset.belowUsed : "";
    say(place.querySelector("[data-problem-text]"), fill(text, { limit: words(Math.max(0, own(row) + set.reserved - sum), set.point) }));
    place.className = problem ? "field-error" : "board-warning";
    place.hidden = !text;
    row.classList.toggle("invalid", Boolean(problem));
    const field = row.querySelector("[data-amount]");
    if (problem) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }

  function showSum(form, sum, set, percent) {
    const summary = form.querySelector("[data-board-summary]");
    const free = set.reserved - sum;
    const label = form.querySelector("[data-free-label]");
    say(form.querySelector("[data-free]"), words(Math.abs(free), set.point));
    if (label) say(label, free < 0 ? label.dataset.overLabel : label.dataset.freeLabel);
    if (summary) summary.classList.toggle("board-over", free < 0);
    put(form.querySelector("[data-bar-allocated]"), "width", percent(sum));
    put(form.querySelector("[data-bar-free]"), "x", percent(sum));
    put(form.querySelector("[data-bar-free]"), "width", percent(Math.max(0, free)));
    for (const [name, bytes] of [["allocated", sum], ["free", Math.max(0, free)]]) {
      const place = form.querySelector(`[data-legend-${name}]`);
      say(place, words(bytes, set.point));
      put(place, "value", bytes);
      if (place) place.removeAttribute("title");
    }
  }

  /* The server and the ear hear of it once the hand rests, not at every step. */
  function restSoon(form) {
    clearTimeout(rest);
    rest = setTimeout(() => {
      if (!form.isConnected) return;
      const { reserved, point } = settings(form);
      const free = reserved - allocated(form);
      const text = fill(free < 0 ? form.dataset.sayOver : form.dataset.say, {
        free: words(Math.abs(free), point), over: words(Math.abs(free), point), total: words(reserved, point),
      });
      document.dispatchEvent(new CustomEvent("say", { detail: { value: text } }));
      form.dispatchEvent(new CustomEvent("board:rested", { bubbles: true }));
    }, REST_MS);
  }

  /* Hands: slider, keys, buttons, typing */

  const rowOf = (node, selector) => (node instanceof Element && node.closest("[data-board]") && node.closest(selector) ? node.closest("[data-row]") : null);

  document.addEventListener("input", (event) => {
    let row = rowOf(event.target, "[data-slider]");
    if (row) return move(row, Number(event.target.value) * settings(row.closest("[data-board]")).step);
    row = rowOf(event.target, "[data-amount]");
    if (row) type(row);
  });

  function type(row) {
    const form = row.closest("[data-board]");
    touched.add(row);
    typed.add(row);
    if (settings(form).bounded && allocated(form) > settings(form).reserved) overfull.add(row);
    show(form);
    restSoon(form);
  }

  document.addEventListener("change", (event) => {
    let row = rowOf(event.target, "[data-amount]");
    const { bytes, unit } = row ? read(row) : {};
    if (unit && Number.isSafeInteger(bytes) && bytes < Number.MAX_SAFE_INTEGER) {
      const shown = SHOWN_AS[unit] || unit;
      row.querySelector("[data-unit]").value = shown;
      event.target.value = decimal(bytes, shown, settings(row.closest("[data-board]")).point);
    }
    row = rowOf(event.target, "[data-unit]");
    if (row) changeUnit(row);
  });

  /* "500", then GB: the figure stays and is read anew. An untouched "1.5 TB" turned to GB: the capacity stays, "1500". */
  function changeUnit(row) {
    if (!typed.has(row) && shown.has(row)) set(row, shown.get(row));
    const byHand = typed.has(row);
    type(row);
    if (!byHand) typed.delete(row);
  }

  document.addEventListener("keydown", (event) => {
    const row = rowOf(event.target, "[data-slider]");
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const right = getComputedStyle(event.target).direction === "rtl" ? -1 : 1;
    const steps = { ArrowUp: 1, ArrowDown: -1, ArrowRight: right, ArrowLeft: -right, PageUp: 10, PageDown: -10 }[event.key];
    if (steps) moveBySteps(row, steps);
    else if (event.key === "Home") move(row, 0);
    else if (event.key === "End") move(row, Number.MAX_SAFE_INTEGER);
    else return;
    event.preventDefault();
  });

  let holding;
  let held = false;
  const release = () => clearTimeout(holding);

  document.addEventListener("pointerdown", (event) => {
    const row = rowOf(event.target, "[data-less], [data-more]");
    held = false;
    if (!row || event.button !== 0) return;
    const steps = event.target.closest("[data-more]") ? 1 : -1;
    const again = (count) => {
      held = true;
      moveBySteps(row, steps * (count > 25 ? 10 : 1)); // a long hold goes faster
      holding = setTimeout(again, REPEAT_MS, count + 1);
    };
    holding = setTimeout(again, HOLD_MS, 1);
  });
  for (const name of ["pointerup", "pointercancel", "contextmenu", "blur"]) window.addEventListener(name, release);

  document.addEventListener("click", (event) => {
    const row = rowOf(event.target, "[data-less], [data-more]");
    if (row && !held) moveBySteps(row, event.target.closest("[data-more]") ? 1 : -1);
    held = false;
    const discard = event.target instanceof Element && event.target.closest("[data-discard]");
    if (discard && discard.getAttribute("aria-disabled") !== "true") discardAll(discard.closest("[data-board]"));
    const suggestion = event.target instanceof Element && event.target.closest("[data-suggest-number]");
    if (suggestion) follow(suggestion.dataset.suggestNumber, Number(suggestion.dataset.suggestBytes));
  });

  function follow(number, bytes) {
    const row = document.querySelector(`[data-board] [data-row][data-number="${CSS.escape(number)}"]`);
    if (row) move(row, bytes);
  }

  function discardAll(form) {
    for (const row of rows(form)) set(row, saved(row));
    show(form);
    document.dispatchEvent(new CustomEvent("say", { detail: { value: form.dataset.discarded } }));
    form.dispatchEvent(new CustomEvent("board:rested", { bubbles: true }));
  }

  /* Start, and again after the server swapped rows. Beyond 2^53 bytes the plain fields are left as they are. */
  function start() {
    for (const form of document.querySelectorAll("[data-board]")) {
      if (!Number.isSafeInteger(Number(form.dataset.reserved) * 2)) continue;
      const live = "[data-slider], [data-less], [data-more], [data-discard], [data-changes], [data-suggest-number]";
      for (const node of form.querySelectorAll(live)) node.hidden = false;
      show(form);
    }
    for (const node of document.querySelectorAll("[data-suggest-number]")) node.hidden = false;
  }
  start();
  document.addEventListener("htmx:afterSettle", start);
})();
