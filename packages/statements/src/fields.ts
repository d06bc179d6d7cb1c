// What statements are made of.
import { z } from 'zod';

export const digest = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lowercase hex digits');
export const count = z.int().nonnegative();
export const name = z.string().min(1).max(256);
export const label = z.strictObject({
  level: z.enum(['public', 'internal', 'confidential', 'secret']),
  compartments: z.array(name),
  integrity: z.enum(['trusted', 'untrusted']),
});
export const instant = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'expected RFC 3339 UTC with milliseconds');
