/** Numbers, times and frames as people read them. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const exactTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const timeOfDay = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });

/** `1234` → `1,234`. */
export function count(number) {
  return whole.format(number);
}

/** Milliseconds → `42 s`, `5 min`, `3 h 20 min`, `2 d 4 h`. */
export function duration(milliseconds) {
  const ms = Math.max(0, milliseconds);
  if (ms < MINUTE) return `${Math.round(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  const [big, bigUnit, small, smallUnit] = ms < DAY ? [HOUR, "h", MINUTE, "min"] : [DAY, "d", HOUR, "h"];
  const rest = Math.floor((ms % big) / small);
  return `${Math.floor(ms / big)} ${bigUnit}${rest ? ` ${rest} ${smallUnit}` : ""}`;
}

/** ISO time → how long ago. */
export function age(iso, now = Date.now()) {
  const ms = now - Date.parse(iso);
  return ms < 5 * SECOND ? "just now" : `${duration(ms)} ago`;
}

/** ISO time → date and time of this reader's place. */
export function moment(iso) {
  return exactTime.format(new Date(iso));
}

/** ISO time → the time of day at this reader's place. */
export function clockTime(iso) {
  return timeOfDay.format(new Date(iso));
}

/** Decimal string → money; what is less than a cent says so. */
export function money(amount, currency) {
  const value = Number(amount);
  const form = moneyForm(currency);
  return value > 0 && value < 0.01 ? `< ${form.format(0.01)}` : form.format(value);
}

const forms = new Map();

function moneyForm(currency) {
  if (!forms.has(currency)) forms.set(currency, makeMoneyForm(currency));
  return forms.get(currency);
}

function makeMoneyForm(currency) {
  const digits = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currencyDisplay: "narrowSymbol", currency, ...digits });
  } catch {
    return new Intl.NumberFormat(undefined, digits); // no currency, or one of the studio's own
  }
}

/** Bytes → `12.3 MB`, decimal units as disks are sold. */
export function bytes(number) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, number)) / 3));
  const value = number / 1000 ** power;
  return `${power && value < 100 ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}

/** `[1, 2, 3, 7]` → `1-3, 7`. */
export function frames(numbers) {
  const runs = [];
  for (const n of numbers) {
    const last = runs.at(-1);
    if (last && n === last[1] + 1) last[1] = n;
    else runs.push([n, n]);
  }
  return runs.map(([a, b]) => (a === b ? `${a}` : b === a + 1 ? `${a}, ${b}` : `${a}-${b}`)).join(", ");
}
