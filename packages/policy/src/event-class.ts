import type { Event } from './checks/check.ts';
import type { EventClass } from './compiled-bundle.ts';

/** Whether the event belongs to the class. A target that the bundle does not name belongs to every class of effects: fail closed. */
export function matches(on: EventClass, event: Event): boolean {
  if (on.tools !== null && !on.tools.includes(event.intent.action.target)) return false;
  if (on.effects !== null && event.effect !== undefined && !on.effects.includes(event.effect)) return false;
  return true;
}
