import { RequestError } from './errors.ts';

/**
 * Waits for `work` at most `ms`. The work itself goes on: a decision that was begun is recorded, and asking
 * again with the same request id gets it.
 */
export function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const problem = `no answer within ${ms} ms; repeat it unchanged: what was decided is given again`;
      reject(new RequestError('TIMEOUT', problem));
    }, ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
