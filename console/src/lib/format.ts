/** Numbers, sizes and times in the page's locale. */
import { i18n } from "./i18n.svelte";

const SIZE_UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;
const AGES = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
] as const;

/** `1,024` */
export function number(value: number): string {
  return new Intl.NumberFormat(i18n.locale).format(value);
}

/** `45%` */
export function percent(value: number): string {
  return new Intl.NumberFormat(i18n.locale, { style: "percent" }).format(value / 100);
}

/** `1.2 MB` */
export function size(bytes: number): string {
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), SIZE_UNITS.length - 1);
  return new Intl.NumberFormat(i18n.locale, {
    style: "unit",
    unit: SIZE_UNITS[power] ?? "byte",
    unitDisplay: power === 0 ? "long" : "short",
    maximumFractionDigits: 1,
  }).format(bytes / 1_000 ** power);
}

/** `Nov 23, 2026, 10:05:00 AM` */
export function dateTime(time: string): string {
  const format = new Intl.DateTimeFormat(i18n.locale, { dateStyle: "medium", timeStyle: "medium" });
  return format.format(new Date(time));
}

/** `10:05:00.123`. A log has thousands of times, and a new format takes longer than its use: one is for all. */
export function clockTimes(): (time: string) => string {
  const format = new Intl.DateTimeFormat(i18n.locale, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
    hourCycle: "h23",
  });
  return (time) => format.format(new Date(time));
}

/** `5 min. ago` */
export function relative(time: string, now: number): string {
  const difference = Math.round((Date.parse(time) - now) / 1_000);
  // `now` is a little late, and clocks differ.
  const seconds = difference > 0 && difference < 60 ? 0 : difference;
  const [unit, length] = AGES.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  const format = new Intl.RelativeTimeFormat(i18n.locale, { numeric: "auto", style: "short" });
  return format.format(Math.trunc(seconds / length), unit);
}

/** `1 min 5 sec` */
export function duration(milliseconds: number): string {
  let seconds = Math.max(0, milliseconds) / 1_000;
  if (seconds < 10) {
    return unit(seconds, "second", seconds < 1 ? 2 : 1);
  }
  seconds = Math.round(seconds);
  const parts: string[] = [];
  for (const [name, length] of AGES) {
    const count = Math.floor(seconds / length);
    seconds -= count * length;
    if (count > 0 && parts.length < 2) {
      parts.push(unit(count, name, 0));
    }
  }
  return parts.join(" ");
}

function unit(value: number, unit: string, maximumFractionDigits: number): string {
  const style = { style: "unit", unit, unitDisplay: "short", maximumFractionDigits } as const;
  return new Intl.NumberFormat(i18n.locale, style).format(value);
}
