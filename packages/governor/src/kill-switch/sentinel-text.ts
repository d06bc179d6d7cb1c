import { cleanKillOrder } from './kill-order.ts';
import type { KillOrder } from './kill-switch.ts';

const HEADER = 'SAFE-AI GOVERNOR KILL SWITCH ACTIVATED';

/** For people: `cat` shows who stopped the governor, when and why. */
export function formatSentinel({ reason, by, at }: KillOrder): string {
  return `${HEADER}\nReason: ${reason}\nActivated at: ${new Date(at).toISOString()}\nBy: ${by}\n`;
}

/** Whatever the file says, its being there is the order. */
export function readSentinel(text: string): KillOrder {
  const line = (name: string) =>
    text
      .split('\n')
      .find((found) => found.startsWith(`${name}: `))
      ?.slice(name.length + 2);
  return cleanKillOrder({
    reason: line('Reason') ?? 'a file KILL_SWITCH is there',
    by: line('By') ?? 'unknown',
    at: Date.parse(line('Activated at') ?? '') || 0,
  });
}
