const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const longDay = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });

export function clockTime(ms: number): string {
  return clock.format(ms);
}

/** The day as a heading over its messages. */
export function dayHeading(ms: number): string {
  return longDay.format(ms);
}

/** Short enough for the list: the clock today, the day before that. */
export function listTime(ms: number): string {
  if (ms === 0) {
    return '';
  }
  return longDay.format(ms) === longDay.format(Date.now()) ? clock.format(ms) : day.format(ms);
}

/** A time as input type=datetime-local wants it. */
export function inputTime(ms: number): string {
  return new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
