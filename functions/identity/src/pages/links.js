// The token in the URL's fragment is sent only when a button is pressed, so opening a link changes nothing.
"use strict";

const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
const message = document.getElementById("message");
const forms = [...document.forms];

function explain(problem) {
  const fields = (problem.errors ?? []).map((error) => error.detail);
  return [problem.title, problem.detail, ...fields].filter(Boolean).join("\n");
}

async function send(form) {
  const body = {};
  for (const field of form.elements) {
    if (field.name && field.value) body[field.name] = field.value;
  }
  if (form.dataset.keeps) body.refresh = "cookie";
  const answer = await fetch(form.dataset.path, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "X-CSRF-Token": "1",
      "Accept-Language": document.documentElement.lang,
    },
    body: JSON.stringify(body),
  });
  const result = await answer.json().catch(() => ({}));
  if (answer.ok) {
    form.hidden = true;
    message.textContent = [form.dataset.done, result.code].filter(Boolean).join("\n");
    return;
  }
  message.textContent = explain(result) || form.dataset.failed;
  if (result.code === "link_code_required") form.elements.code.closest("label").hidden = false;
}

for (const form of forms) {
  form.hidden = forms.length > 1 && (form.dataset.when === "token") !== (token !== "");
  if (token && form.elements.token) {
    form.elements.token.value = token;
    form.elements.token.closest("label").hidden = true;
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    message.textContent = "";
    await send(form).catch(() => { message.textContent = form.dataset.failed; });
    button.disabled = false;
  });
}
