// @ts-check
// PostgreSQL's text forms as Prisma's engine writes the values of a raw query. Pure.
//
// The native engine reads PostgreSQL's binary form with the crates chrono and bigdecimal; what they
// make of a value, and which ones they refuse, is what the functions here do with its text form.
// Sessions are in UTC, with ISO dates, hexadecimal bytes and money as in the C locale (pool.mjs).

/** A value that the native engine cannot read either. Its message names no value. */
export class Unreadable extends Error {}

const DATE = /^(\d{4,})-(\d\d)-(\d\d)( BC)?$/;
const TIMESTAMP = /^(\d{4,})-(\d\d)-(\d\d) (\d\d:\d\d:\d\d)(\.\d+)?(?:[+-]\d\d(?::\d\d)*)?( BC)?$/;
const TIME = /^(\d\d:\d\d:\d\d)(\.\d+)?(?:[+-]\d\d(?::\d\d)*)?$/;
// chrono's last year; PostgreSQL goes further, and has infinity.
const LAST_YEAR = 262_143;

/** ISO 8601: the year before 1 is 0, and a year that has not four digits has a sign. */
function year(digits, bc) {
  const number = bc ? 1 - Number(digits) : Number(digits);
  if (Math.abs(number) > LAST_YEAR) throw new Unreadable('value too large to decode');
  const padded = String(Math.abs(number)).padStart(4, '0');
  if (number >= 0 && number <= 9999) return padded;
  return `${number < 0 ? '-' : '+'}${padded}`;
}

/** Three or six digits, or none. */
function fraction(digits = '') {
  const significant = digits.slice(1).replace(/0+$/, '');
  if (!significant) return '';
  return `.${significant.padEnd(significant.length > 3 ? 6 : 3, '0')}`;
}

/** The parts of a timestamp, of any zone; `infinity` has none. */
function parts(text) {
  const found = TIMESTAMP.exec(text);
  if (!found) throw new Unreadable('value too large to decode');
  const [, digits, month, day, time, digitsOfSecond, bc] = found;
  return { day: `${year(digits, bc)}-${month}-${day}`, time, digitsOfSecond };
}

export function date(text) {
  const found = DATE.exec(text);
  if (!found) throw new Unreadable('value too large to decode');
  const [, digits, month, day, bc] = found;
  return `${year(digits, bc)}-${month}-${day}`;
}

/** Without its zone, which the native engine does not heed; 24:00:00 is the day's beginning. */
export function time(text) {
  const found = TIME.exec(text);
  if (!found) throw new Unreadable('value is no time of a day');
  const [, clock, digits] = found;
  return `${clock.replace(/^24/, '00')}${fraction(digits)}`;
}

/** As RFC 3339, to the microsecond. */
export function timestamp(text) {
  const { day, time: clock, digitsOfSecond } = parts(text);
  return `${day}T${clock}${fraction(digitsOfSecond)}+00:00`;
}

/** As the engine's core writes a DateTime of the schema: cut to the millisecond. */
export function dateTime(text) {
  const { day, time: clock, digitsOfSecond = '.' } = parts(text);
  return `${day}T${clock}.${digitsOfSecond.slice(1, 4).padEnd(3, '0')}Z`;
}

/** As the engine's core reads a timestamp that an adapter hands to it. */
export function coreTimestamp(text) {
  const { day, time: clock, digitsOfSecond = '' } = parts(text);
  return `${day} ${clock}${digitsOfSecond}`;
}

/** A number's text with what JSON needs to know a whole one from an integer; null if not finite. */
export function float(text) {
  if (/[a-z]{2}/i.test(text)) return 'null';
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/**
 * All digits, none that says nothing. Of NaN and infinity the native engine makes 0, because it
 * does not look at the sign's word; a number that nobody wrote is worse than an error.
 */
export function numeric(text) {
  if (/[a-z]/i.test(text)) throw new Unreadable('a numeric that is not a number has no decimal form');
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

export const money = (text) => numeric(text.replace(/[^0-9.-]/g, ''));
export const base64 = (text) => Buffer.from(text.slice(2), 'hex').toString('base64');
/** The address without its network. */
export const address = (text) => text.replace(/\/\d+$/, '');

/** One byte as a character of Latin-1: PostgreSQL writes a high one in octal, and zero as nothing. */
export function byteCharacter(text) {
  if (text === '') return '\0';
  return /^\\[0-7]{3}$/.test(text) ? String.fromCharCode(parseInt(text.slice(1), 8)) : text;
}

/** The elements of an array's text form, each as `read` makes it of its text; null stays null. */
export function elements(text, read) {
  let at = 0;
  // Other bounds than from 1 on are written before it, and the native engine does not heed them.
  if (text[0] === '[') at = text.indexOf('=') + 1;
  if (text[at + 1] === '{') throw new Unreadable('array contains too many dimensions');
  const found = [];
  at++;
  while (text[at] !== '}') {
    if (text[at] === ',') at++;
    const quoted = text[at] === '"';
    const end = quoted ? closingQuote(text, at) : unquotedEnd(text, at);
    const raw = quoted ? text.slice(at + 1, end).replace(/\\(.)/gs, '$1') : text.slice(at, end);
    found.push(!quoted && raw === 'NULL' ? null : read(raw));
    at = quoted ? end + 1 : end;
  }
  return found;
}

function unquotedEnd(text, at) {
  const comma = text.indexOf(',', at);
  return comma < 0 ? text.length - 1 : comma;
}

const BACKSLASH = 92;

/** Where the quoted text that begins at `start` ends: the next quote that no backslash escapes. */
export function closingQuote(text, start) {
  let end = start;
  for (;;) {
    end = text.indexOf('"', end + 1);
    if (end < 0) throw new Unreadable('a quoted text does not end');
    let before = end;
    while (text.charCodeAt(before - 1) === BACKSLASH) before--;
    if ((end - before) % 2 === 0) return end;
  }
}
