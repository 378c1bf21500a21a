// What stands behind # in the link of a mail is sent only when a button is pressed: to open a link changes nothing.
"use strict";

const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
const told = document.getElementById("told");
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
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) {
    form.hidden = true;
    told.textContent = [form.dataset.done, said.code].filter(Boolean).join("\n");
    return;
  }
  told.textContent = explain(said) || form.dataset.failed;
  if (said.code === "link_code_required") form.elements.code.closest("label").hidden = false;
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
    told.textContent = "";
    await send(form).catch(() => { told.textContent = form.dataset.failed; });
    button.disabled = false;
  });
}
