/** Calls of the admin API, and its live facts. */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export async function call(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: { "content-type": "application/json" },
    credentials: "same-origin",
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).catch(() => {
    throw new ApiError(0, "nobody answers");
  });
  const document = await answer.json().catch(() => ({ error: "an answer that is none of Hookrail's" }));
  if (!answer.ok) throw new ApiError(answer.status, document.error ?? `status ${answer.status}`);
  return document;
}

export const get = (path) => call("GET", path);
export const post = (path, body) => call("POST", path, body);

/** What an engine without that part answers with 404. */
export async function getIfThere(path) {
  try {
    return await get(path);
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 403)) return undefined;
    throw error;
  }
}

/** Tells of each fact, and whether it is connected; opens again by itself. */
export function follow({ onFact, onState }) {
  const source = new EventSource("/api/v1/live");
  source.addEventListener("fact", onFact);
  source.addEventListener("sampled", onFact);
  source.addEventListener("open", () => onState("live"));
  // It comes back by itself, but not from an answer that was an error.
  source.addEventListener("error", () => onState(source.readyState === EventSource.CLOSED ? "closed" : "lost"));
  return () => source.close();
}
