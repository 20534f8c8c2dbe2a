// Copying, "select all", dates, the first call, passkeys, and times in the reader's zone. Everything else on a page works
// without this file.
// A token is read from the page when it is needed and put nowhere but the clipboard and a header.
"use strict";
document.documentElement.classList.add("js");

// What this script says, in the reader's language.
const said = JSON.parse(document.body?.dataset.said ?? "{}");
const say = (id, values = {}) => (said[id] ?? id).replace(/%(\w+)%/g, (_, name) => values[name] ?? "");

const live = (text) => {
  document.getElementById("live").textContent = text;
};

// What stands in an element for copying: a field's value, or a text without its masked parts.
const bareText = (element) => {
  if ("value" in element) return element.value;
  const copy = element.cloneNode(true);
  copy.querySelectorAll(".masked").forEach((masked) => masked.remove());
  return copy.textContent;
};

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.copy) await copy(button);
  if (button.dataset.try) await tryIt(button);
  if ("selectAll" in button.dataset) selectAll(button);
});

// The language of a snippet is remembered on this device.
document.addEventListener("change", (event) => {
  if (event.target.name === "language" && event.target.id.startsWith("tab-")) {
    const chosen = event.target.id.slice("tab-".length);
    document.cookie = `snippet=${chosen}; path=/api-docs; max-age=31536000; samesite=lax`;
  }
});

// The time zone of a chart, too. The reader's own is suggested.
document.querySelectorAll("input[data-zone]").forEach((field) => {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const zones = document.createElement("datalist");
  zones.id = "zones";
  for (const zone of new Set([own, "UTC", ...(Intl.supportedValuesOf?.("timeZone") ?? [])])) {
    zones.append(new Option(zone, zone));
  }
  field.after(zones);
  field.setAttribute("list", zones.id);
  field.form.addEventListener("submit", () => {
    document.cookie = `zone=${field.value.trim()}; path=/usage; max-age=31536000; samesite=lax`;
  });
});

// What a form is going to create.
document.querySelectorAll("[data-summary]").forEach((summary) => {
  const form = summary.closest("form");
  const chosen = (field) => {
    if (field.type !== "radio" && field.type !== "checkbox") return field.value.trim().split(/[\s,]+/).join(" ");
    if (!field.checked) return "";
    if (field.value === "date") return form.elements.expires_on.value;
    const label = field.labels[0];
    return (label.querySelector("code, b") ?? label).textContent.trim();
  };
  const show = () => {
    summary.querySelectorAll("dd").forEach((shown) => {
      const fields = [...form.elements].filter((field) => field.name === shown.dataset.of);
      shown.textContent = fields.map(chosen).filter(Boolean).join(", ") || shown.dataset.empty;
    });
  };
  form.addEventListener("input", show);
  form.addEventListener("click", show);
  show();
});

// A day that is chosen is meant.
document.addEventListener("input", (event) => {
  if (event.target.name === "expires_on" && event.target.value) {
    document.querySelector("[name=expires][value=date]").checked = true;
  }
});

const copy = async (button) => {
  const source = document.getElementById(button.dataset.copy);
  const label = button.firstChild.textContent;
  try {
    await navigator.clipboard.writeText(bareText(source));
    button.firstChild.textContent = say("copied");
    live(say("copied"));
  } catch {
    button.firstChild.textContent = say("press");
    if (source.select) source.select();
    else getSelection().selectAllChildren(source);
    live(say("no-copy"));
  }
  setTimeout(() => {
    button.firstChild.textContent = label;
  }, 2000);
};

const tryIt = async (button) => {
  const result = document.getElementById("try-result");
  const token = document.getElementById("bearer-token").value;
  const started = performance.now();
  button.disabled = true;
  try {
    const response = await fetch(button.dataset.try, {
      headers: { Authorization: `Bearer ${token}` },
      cache: "no-store",
      credentials: "omit",
    });
    const body = await response.json().catch(() => ({}));
    const took = Math.round(performance.now() - started);
    result.className = response.ok ? "good" : "bad";
    result.textContent = response.ok
      ? say("works", { status: response.status, took })
      : `${response.status}: ${body.title ?? response.statusText}. ${body.detail ?? ""}`;
  } catch {
    result.className = "bad";
    result.textContent = say("unreachable");
  }
  button.disabled = false;
};

const selectAll = (button) => {
  const boxes = [...button.closest("fieldset").querySelectorAll("input[type=checkbox]:not([data-all])")];
  const all = boxes.every((box) => box.checked);
  boxes.forEach((box) => {
    box.checked = !all;
  });
  live(say(all ? "no-scope" : "all-scopes"));
};

// A form that is to carry a passkey's answer: the browser is asked for it first.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  const kind = form.dataset.passkey;
  if (!kind || form.elements.answer.value) return;
  event.preventDefault();
  const told = form.querySelector("[data-passkey-error]");
  told.hidden = true;
  try {
    const options = JSON.parse(form.dataset.options);
    const answer =
      kind === "create"
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
    form.elements.answer.value = JSON.stringify(answer.toJSON());
    form.submit();
  } catch (error) {
    told.textContent =
      error.name === "SecurityError"
        ? say("passkey-name")
        : error.name === "InvalidStateError"
          ? say("passkey-known")
          : error instanceof TypeError || error instanceof ReferenceError
            ? say("passkey-unable")
            : say("passkey-nothing");
    told.hidden = false;
  }
});

// On a phone the navigation may be wider than the screen.
document.querySelector(".main-nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });

// Shows dates and times in the time zone of the reader, with the exact time there and in UTC as the title.
const locale = document.documentElement.lang === "en" ? "en-US" : document.documentElement.lang;
const inForm = (form) => new Intl.DateTimeFormat(locale, form);
const zoned = inForm({ dateStyle: "long", timeStyle: "long" });
const forms = {
  day: inForm({ day: "numeric", month: "short" }),
  "day-of-year": inForm({ day: "numeric", month: "short", year: "numeric" }),
  clock: inForm({ timeStyle: "long" }),
};
document.querySelectorAll("time[datetime]").forEach((time) => {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.valueOf())) return;
  time.title = `${zoned.format(at)} (${time.title})`;
  const form = forms[time.dataset.form];
  if (form) time.textContent = form.format(at);
});

// How a new password does while it is typed. What attackers try first the server knows; it says so then.
document.addEventListener("input", (event) => {
  const field = event.target;
  if (field.autocomplete !== "new-password") return;
  const hint = document.getElementById(field.getAttribute("aria-describedby"));
  if (!hint) return;
  hint.dataset.text ??= hint.textContent;
  const length = [...field.value.normalize("NFKC")].length;
  const missing = 15 - length;
  const isOneThing = new Set(field.value).size < 5;
  hint.textContent = !length
    ? hint.dataset.text
    : missing > 0
      ? say(missing === 1 ? "one-more" : "more", { missing })
      : isOneThing
        ? say("one-thing")
        : say("long-enough");
});

// A request from the page of an operation. The token is read from its field when the request is sent, and kept nowhere; the
// history of the tab has no query, no body, and no token.
const quoted = (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

const requestOf = (form) => {
  const request = { method: form.dataset.method, url: form.dataset.url, headers: {}, body: undefined };
  const query = new URLSearchParams();
  for (const field of form.querySelectorAll("[data-place]")) {
    const { value } = field;
    const { place } = field.dataset;
    if (place === "path") request.url = request.url.replaceAll(`{${field.name}}`, encodeURIComponent(value));
    if (value === "" || place === "path") continue;
    if (place === "query") query.append(field.name, value);
    if (place === "header") request.headers[field.name] = value;
    if (place === "body") {
      request.headers["Content-Type"] = field.dataset.type;
      request.body = value;
    }
  }
  if (query.size > 0) request.url += `?${query}`;
  return request;
};

const asCurl = ({ method, url, headers, body }) => {
  const parts = [`curl${method === "GET" ? "" : ` -X ${method}`} ${quoted(url)}`, `-H "Authorization: Bearer $TOKEN"`];
  for (const [name, value] of Object.entries(headers)) parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (body !== undefined) parts.push(`-d ${quoted(body)}`);
  return parts.join(" \\\n  ");
};

const readable = (text) => {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
};

const showHistory = (form, added) => {
  const sent = JSON.parse(sessionStorage.getItem("requests") ?? "[]");
  if (added) sent.unshift(added);
  sent.length = Math.min(sent.length, 10);
  sessionStorage.setItem("requests", JSON.stringify(sent));
  const list = form.querySelector("[data-history] ol");
  list.replaceChildren(
    ...sent.map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }),
  );
  list.parentElement.hidden = sent.length === 0;
};

const sendRequest = async (form) => {
  const request = requestOf(form);
  const part = (name) => form.querySelector(`[data-answer${name}]`);
  const [status, problem, text] = ["-status", "-problem", "-body"].map(part);
  const headers = { ...request.headers, Authorization: `Bearer ${form.elements.token.value.trim()}` };
  const started = performance.now();
  part("").hidden = false;
  problem.hidden = true;
  try {
    const { method, url, body } = request;
    const response = await fetch(url, { method, headers, body, cache: "no-store", credentials: "omit" });
    const answer = await response.text();
    const took = Math.round(performance.now() - started);
    status.textContent = `${response.status} ${response.statusText} · ${took} ms`;
    text.textContent = readable(answer);
    if (response.headers.get("content-type")?.startsWith("application/problem+json")) {
      const { title, detail } = JSON.parse(answer);
      problem.textContent = `${title ?? ""}. ${detail ?? ""}`;
      problem.hidden = false;
    }
    showHistory(form, `${method} ${new URL(url).pathname} · ${response.status} · ${took} ms`);
  } catch {
    status.textContent = say("unreachable");
    text.textContent = "";
  }
};

document.querySelectorAll("form[data-request]").forEach((form) => {
  form.hidden = false;
  showHistory(form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button.primary");
    button.disabled = true;
    await sendRequest(form);
    button.disabled = false;
  });
  // The button copies what is in the field then.
  form.querySelector("[data-copy-request]").addEventListener("click", () => {
    document.getElementById("curl").textContent = asCurl(requestOf(form));
  });
});
