// Every request of a page goes through here: JSON out, JSON back, one sentence when it is refused.

class Refusal extends Error {
  constructor(sentence, status, field) {
    super(sentence);
    this.status = status;
    this.field = field;
  }
}

export async function ask(method, path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      credentials: "same-origin",
      headers: body === undefined ? { Accept: "application/json" } : { Accept: "application/json", "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Refusal("Telltale does not answer; is it running?", 0);
  }
  if (answer.status === 401 || (answer.redirected && new URL(answer.url).pathname === "/login")) {
    location.assign("/login?next=" + encodeURIComponent(location.pathname + location.search));
    throw new Refusal("Log in again, please.", 401);
  }
  const said = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (!answer.ok) {
    throw new Refusal(said?.error ?? `Telltale answered with an error (${answer.status}).`, answer.status, said?.field);
  }
  return said;
}

export function query(values) {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== "" && value !== false) {
      search.set(key, value === true ? "1" : value);
    }
  }
  return search.toString();
}
