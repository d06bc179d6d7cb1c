import type { Authorized } from '@provability-fabric/enforcement';
import type { JsonObject } from '@provability-fabric/kernel';

/** What whoever runs the tool needs beside the decision: the values that handles stand for, or the fabric's own answer. */
export function carried({ arguments: args, answer }: Authorized): JsonObject {
  return {
    ...(args === undefined ? {} : { arguments: args }),
    ...(answer === undefined ? {} : { answer: { ...answer } }),
  };
}
