// Numbers, times and names as people read them.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

export const count = (n) => whole.format(n);

/** rate has a decimal where it is small. */
export const rate = (n) => (n === 0 ? "0" : n < 10 ? tenths.format(n) : whole.format(n));

export const percent = (fraction) => (fraction > 0 && fraction < 0.001 ? "< 0.1 %" : `${fraction > 0 && fraction < 0.1 ? tenths.format(100 * fraction) : whole.format(100 * fraction)} %`);

export const milliseconds = (ms) => (ms < 0.05 ? "< 0.1 ms" : ms < 10 ? `${tenths.format(ms)} ms` : `${whole.format(ms)} ms`);

const two = (n) => String(n).padStart(2, "0");

/** clock is the local time of day with milliseconds. */
export function clock(unixMilli) {
  const at = new Date(unixMilli);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

const titles = { playsmart: "PlaySmart", smooven: "Smooven", fyno: "Fyno", smartsender: "SmartSender", sunshine: "Sunshine" };

export const title = (service) => titles[service] ?? "none";

export const services = Object.keys(titles);

const reasons = {
  200: "OK", 201: "Created", 202: "Accepted", 204: "No content", 400: "Bad request", 401: "Unauthorized", 403: "Forbidden", 404: "Not found",
  405: "Not allowed", 409: "Conflict", 413: "Too large", 429: "Too many", 500: "Error", 502: "Bad gateway", 503: "Unavailable", 504: "Timeout",
};

/** status is how a request ended, in words and as a tone: plain, bad or wait. */
export function status(request) {
  if (!request.ended) return { text: "under way", tone: "wait" };
  if (request.status === 0) return { text: "no reply", tone: "bad" };
  return { text: String(request.status), why: reasons[request.status] ?? "", tone: request.status >= 400 ? "bad" : "plain" };
}

/** pretty prints JSON in lines; what is cut or no JSON stays as it is. */
export function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
