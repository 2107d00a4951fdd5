// Security keys: a form whose field "credential" has data-key="create" or "get" asks the browser for the key, then sends
// what it said.

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const kind = form.elements.credential?.dataset.key;
  if (!kind || form.elements.credential.value) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const refused = form.querySelector("[data-key-refused]");
  refused.textContent = "";
  try {
    form.elements.credential.value = JSON.stringify(await ask(kind));
  } catch {
    refused.textContent = refused.dataset.keyRefused;
    return;
  }
  form.requestSubmit();
}, { capture: true });

async function ask(kind) {
  const data = JSON.parse(document.getElementById("key-options").textContent);
  const { publicKey } = data.creation_options ?? data.request_options ?? data.options;
  const answer =
    kind === "create"
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey) });
  return answer.toJSON();
}
