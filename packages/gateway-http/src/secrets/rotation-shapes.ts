import type { JsonValue } from '@provability-fabric/kernel';
import { RotationPolicies } from '@provability-fabric/secrets';
import { z } from 'zod';
import { matching, parse, shape } from '../shapes.ts';
import { placeMembers } from './request-shapes.ts';

// Only what kind of thing each member is: which values make a schedule, the use case checks.

const text = matching(/^\P{Cc}{1,255}$/u, 'text of 1 to 255 characters');
const clock = matching(/^[0-2]\d:[0-5]\d$/, 'a time like `02:00`');
const amount = z.number({ error: 'a number from 0 up' }).min(0, { error: 'a number from 0 up' });
const whole = z.int({ error: 'a whole number' });
const option = z.union([z.string().max(2048), z.number(), z.boolean()], {
  error: 'a text of up to 2048 characters, a number, true or false',
});
const options = z.record(z.string().max(64), option, { error: 'an object of texts and numbers' });
const policies = Object.keys(RotationPolicies) as [keyof typeof RotationPolicies];
const window = shape({
  days: z
    .array(whole, { error: 'an array of days from 0 (Sunday) to 6' })
    .max(7, { error: '7 days' })
    .optional(),
  from: clock,
  to: clock,
  timeZone: text.default('UTC'),
});

const rotateShape = shape({
  ...placeMembers,
  rotator: text.optional(),
  options: options.optional(),
  gracePeriodHours: amount.optional(),
  waitMs: whole
    .min(0, { error: '0 to 20000' })
    // Shorter than a listener waits for any answer.
    .max(20_000, { error: '0 to 20000' })
    .optional(),
});
const scheduleShape = shape({
  policy: z
    .enum(policies, { error: `one of ${policies.map((name) => `\`${name}\``).join(', ')}` })
    .optional(),
  cronSchedule: text.optional(),
  everyDays: whole.optional(),
  at: clock.optional(),
  timeZone: text.optional(),
  gracePeriodHours: amount.optional(),
  jitterMinutes: amount.optional(),
  windows: z
    .array(window, { error: 'an array of windows' })
    .max(8, { error: 'at most 8 windows' })
    .optional(),
  rotator: text.optional(),
  options: options.optional(),
});

export const parseRotate = (body: JsonValue | undefined) => parse(rotateShape, body);

/** `days` is left out where it is not said, rather than undefined. */
export function parseSchedule(body: JsonValue | undefined) {
  const { windows, ...asked } = parse(scheduleShape, body);
  const kept = windows?.map(({ days, ...hours }) => ({ ...hours, ...(days !== undefined && { days }) }));
  return { ...asked, windows: kept };
}
