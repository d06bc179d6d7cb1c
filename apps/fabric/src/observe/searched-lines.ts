import { Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

const WITHHELD = 'withheld: SECRET_EXPOSED: it held a secret, or could not be searched for any\n';
/** What may wait to be searched; what comes then is dropped. */
const MAX_WAITING = 1024 * 1024;
/** A line longer than this is searched in parts. */
const LONGEST_LINE = 65_536;
/** What has no end of line is passed on after so long. */
const PATIENCE_MS = 100;

/**
 * What a server behind us says to its operator, but for what holds a secret that it was given. The server never waits for
 * the search.
 */
export function searchedLines(
  target: Pick<Writable, 'write'>,
  holdsSecret: (text: string) => Promise<boolean>,
): Writable {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let waiting = 0;
  let last = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const pass = (text: string) => {
    if (text === '' || waiting + text.length > MAX_WAITING) return;
    waiting += text.length;
    last = last.then(async () => {
      const isHeld = await holdsSecret(text).catch(() => true);
      waiting -= text.length;
      target.write(isHeld ? WITHHELD : text);
    });
  };
  const passRest = () => {
    pass(rest);
    rest = '';
  };
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      clearTimeout(timer);
      rest += decoder.write(chunk);
      const end = rest.length > LONGEST_LINE ? rest.length : rest.lastIndexOf('\n') + 1;
      pass(rest.slice(0, end));
      rest = rest.slice(end);
      if (rest !== '') timer = setTimeout(passRest, PATIENCE_MS).unref();
      done();
    },
    final(done) {
      clearTimeout(timer);
      passRest();
      last.then(() => done(), done);
    },
  });
}
