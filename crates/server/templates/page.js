// What the pages do beyond HTML: times in the reader's zone, showing a password, copying a text.
"use strict";
const exact = new Intl.DateTimeFormat(document.documentElement.lang, {
  dateStyle: "medium",
  timeStyle: "short",
});

for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.getTime())) continue;
  const text = exact.format(at);
  if (time.textContent === time.title) time.textContent = text;
  time.title = text;
}

for (const field of document.querySelectorAll('input[type="password"]')) {
  const row = document.createElement("div");
  row.className = "secret";
  field.replaceWith(row);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "eye";
  button.setAttribute("aria-controls", field.id);
  const say = () => {
    const text = field.type === "password" ? field.dataset.show : field.dataset.hide;
    button.setAttribute("aria-label", text);
    button.title = text;
    button.setAttribute("aria-pressed", String(field.type !== "password"));
  };
  button.addEventListener("click", () => {
    field.type = field.type === "password" ? "text" : "password";
    say();
  });
  field.form?.addEventListener("submit", () => {
    field.type = "password";
    say();
  });
  say();
  const focused = field.autofocus;
  row.append(field, button);
  if (focused) field.focus();
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) continue;
  const field = document.getElementById(button.dataset.copy);
  const text = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(field.value);
    button.textContent = button.dataset.copied;
    setTimeout(() => {
      button.textContent = text;
    }, 2000);
  });
}
