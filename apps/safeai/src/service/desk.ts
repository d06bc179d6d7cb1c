import type { Desk, KillDesk } from '../governance.ts';
import type { PlaceOptions } from '../output/place-options.ts';
import type { Shell } from '../shell.ts';
import { localPlace, serviceUrl } from './place.ts';

/** Works at the governor that the options mean, and lets go of it whatever happens. */
export async function atDesk<Result>(
  shell: Shell,
  options: PlaceOptions,
  use: 'change' | 'look',
  work: (desk: Desk) => Promise<Result>,
): Promise<Result> {
  const url = serviceUrl(shell, options);
  return closing(url === undefined ? await local() : await remote(url), work);

  async function local(): Promise<Desk> {
    const { localDesk } = await import('./local-desk.ts');
    return localDesk(shell, localPlace(shell, options), use);
  }
  async function remote(at: string): Promise<Desk> {
    const { remoteDesk } = await import('./remote-desk.ts');
    return remoteDesk(shell, at, options.tokenFile);
  }
}

/** The same for the switch that stops it. */
export async function atKillDesk<Result>(
  shell: Shell,
  options: PlaceOptions,
  work: (desk: KillDesk) => Promise<Result>,
): Promise<Result> {
  const url = serviceUrl(shell, options);
  return closing(url === undefined ? await local() : await remote(url), work);

  async function local(): Promise<KillDesk> {
    const { localKillDesk } = await import('./local-desk.ts');
    return localKillDesk(shell, localPlace(shell, options));
  }
  async function remote(at: string): Promise<KillDesk> {
    const { remoteKillDesk } = await import('./remote-desk.ts');
    return remoteKillDesk(shell, at, options.tokenFile);
  }
}

async function closing<Open extends { close(): Promise<void> }, Result>(
  open: Open,
  work: (open: Open) => Promise<Result>,
): Promise<Result> {
  try {
    return await work(open);
  } finally {
    await open.close();
  }
}
