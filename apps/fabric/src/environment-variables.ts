import { FabricError } from './errors.ts';

export type Variables = Readonly<Record<string, string | undefined>>;

/** A variable's value without the space around it; undefined where it is not set, or to nothing. */
export type Read = (name: string) => string | undefined;

export function readerOf(variables: Variables): Read {
  return (name) => {
    const value = variables[name]?.trim();
    return value === undefined || value === '' ? undefined : value;
  };
}

/** A name that is also good in a path and in a key of Redis. */
export function word(read: Read, name: string, standard: string): string {
  const value = read(name) ?? standard;
  if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/.test(value)) return value;
  throw invalid(
    `${name}: expected 1 to 63 characters out of A-Z a-z 0-9 _ -, came \`${value.slice(0, 63)}\``,
  );
}

export function count(read: Read, name: string, standard: number, least: number, most: number): number {
  const text = read(name);
  if (text === undefined) return standard;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw invalid(`${name}: expected a whole number from ${least} to ${most}, came \`${text.slice(0, 20)}\``);
}

/** Holds a password at times: the message does not repeat it. */
export function redisUrl(read: Read): string | null {
  const url = read('REDIS_URL');
  if (url === undefined) return null;
  if (URL.canParse(url) && /^rediss?:$/.test(new URL(url).protocol)) return url;
  throw invalid('REDIS_URL: expected an address like rediss://cache:6379/0');
}

export function invalid(problem: string): FabricError {
  return new FabricError(
    'CONFIG_INVALID',
    `the environment is not valid, so nothing was started: ${problem}`,
  );
}
