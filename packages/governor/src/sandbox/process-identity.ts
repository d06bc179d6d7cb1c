import { readFile, readlink } from 'node:fs/promises';

/** The short one is for where a path may not be long. */
type Mark = 'pf-sandbox' | 'pf-pod';

/** Field 22 of /proc/[pid]/stat: with the pid it names a process for as long as the machine runs. */
async function startTime(pid: number | 'self'): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name, which may hold blanks and parentheses.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

async function pidNamespace(): Promise<string> {
  return (await readlink('/proc/self/ns/pid')).replace(/\D/g, '');
}

/** A name for what this process makes outside of itself, so that the next one can tell whether its maker still lives. */
export async function ownPrefix(mark: Mark = 'pf-sandbox'): Promise<string> {
  return `${mark}-${await pidNamespace()}-${process.pid}-${await startTime('self')}-`;
}

/** Whether a process made this that is no more. Those of another pid namespace cannot be told and count as living. */
export async function isLeftover(name: string): Promise<boolean> {
  const match = /^pf-(?:sandbox|pod)-(\d+)-(\d+)-(\d+)-/.exec(name);
  if (match === null || match[1] !== (await pidNamespace())) return false;
  return (await startTime(Number(match[2]))) !== match[3];
}
