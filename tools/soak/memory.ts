import { readFileSync } from 'node:fs';
import { postgresIn } from '../crash-matrix/postgres-processes.ts';

export interface Sample {
  /** Seconds since the start of the load. */
  readonly at: number;
  readonly fabricMiB: number;
  /** Of all its processes, what they share counted once. */
  readonly postgresMiB: number;
}

export async function sample(at: number, fabric: number, postgres: string): Promise<Sample> {
  const { all } = await postgresIn(postgres);
  const shares = all.map((pid) => kibibytes(`/proc/${pid}/smaps_rollup`, 'Pss'));
  return {
    at,
    fabricMiB: kibibytes(`/proc/${fabric}/status`, 'VmRSS') / 1024,
    postgresMiB: shares.reduce((sum, share) => sum + share, 0) / 1024,
  };
}

function kibibytes(path: string, name: string): number {
  try {
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(path, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0; // it has ended meanwhile
  }
}
