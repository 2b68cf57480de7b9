/* Passkeys: a button asks the portal for a question, the browser for its answer, and sends that with the plain form around
   it. Without this file, or without passkeys in the browser, the buttons stay hidden and the other ways are there.
   <form …><input type="hidden" name="credential"><button hidden data-passkey="sign_in" data-question="/passkeys/question"
   data-failed="…">…</button></form>; `data-passkey="add"` makes a new one. */
(() => {
  "use strict";

  if (!window.PublicKeyCredential) return;

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const withIds = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

  function options(told) {
    const made = { ...told, challenge: bytes(told.challenge) };
    if (told.user) made.user = { ...told.user, id: bytes(told.user.id) };
    made.allowCredentials = withIds(told.allowCredentials);
    made.excludeCredentials = withIds(told.excludeCredentials);
    return made;
  }

  function answer(made) {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"])
      if (made.response[name]) response[name] = text(made.response[name]);
    return JSON.stringify({ id: made.id, rawId: text(made.rawId), type: made.type, response, clientExtensionResults: {} });
  }

  async function ask(button) {
    const form = button.form;
    const body = new URLSearchParams({ csrf_token: form.elements.csrf_token.value, purpose: button.dataset.passkey });
    const told = await fetch(button.dataset.question, { method: "POST", body });
    if (!told.ok) throw new Error(String(told.status));
    const publicKey = options(await told.json());
    const made = button.dataset.passkey === "add" ? await navigator.credentials.create({ publicKey }) : await navigator.credentials.get({ publicKey });
    form.elements.credential.value = answer(made);
    form.requestSubmit();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-passkey]");
    if (!button || button.dataset.asking) return;
    event.preventDefault();
    button.dataset.asking = "yes";
    ask(button).catch(() => {
      document.getElementById("alert").textContent = button.dataset.failed;
    }).finally(() => { delete button.dataset.asking; });
  });

  document.querySelectorAll("[data-passkey], [data-with-passkeys]").forEach((node) => { node.hidden = false; });
  document.querySelectorAll("[data-without-passkeys]").forEach((node) => { node.hidden = true; });
})();
