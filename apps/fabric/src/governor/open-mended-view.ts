import { mkdir, readdir, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  type AuditView,
  type AuditViewOptions,
  GovernorError,
  openAuditView,
} from '@provability-fabric/governor';

/**
 * The view, filled anew from the record where what is there is none of ours: the record counts, and a governor that does not
 * start cannot be mended. What was there is kept aside, for whoever wants to know who wrote it.
 */
export async function openMendedView(
  options: AuditViewOptions & {
    readonly emit: (event: string, details: Readonly<Record<string, string | number>>) => void;
  },
): Promise<AuditView> {
  try {
    return await openAuditView(options);
  } catch (error) {
    if (!(error instanceof GovernorError && error.code === 'CHANGE_AUDIT_DAMAGED')) throw error;
    const aside = await moveAside(options.path);
    options.emit('audit_view_damaged', { kept: basename(aside) });
    return openAuditView(options);
  }
}

async function moveAside(path: string): Promise<string> {
  const folder = dirname(path);
  const aside = join(folder, `audit-damaged-${new Date().toISOString().replace(/[:.]/g, '-')}`);
  await mkdir(aside, { mode: 0o700 });
  for (const name of await readdir(folder))
    if (name === basename(path) || name.startsWith(`${basename(path)}.`))
      await rename(join(folder, name), join(aside, name));
  return aside;
}
