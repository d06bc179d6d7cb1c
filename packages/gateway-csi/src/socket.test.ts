import { chmod, link, lstat, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Cluster, connectTo, makeCluster, startTestProvider, testSecrets } from './cluster.fixture.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await makeCluster();
});

describe('the socket', () => {
  const start = (socketPath: string) => startTestProvider(cluster, testSecrets(), { socketPath });
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'csi-socket-'));
    return () => rm(folder, { recursive: true, force: true });
  });

  it('is for its user alone, in a folder for its user alone, and leaves nothing behind', async () => {
    const path = join(folder, 'providers', 'provability-fabric.sock');
    const own = await start(path);
    expect((await stat(join(folder, 'providers'))).mode & 0o777).toBe(0o700);
    expect((await lstat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, 'providers'))).toEqual(['provability-fabric.sock']);
    await own.close();
    expect(await readdir(join(folder, 'providers'))).toEqual([]);
  });

  it('is taken from nobody who listens, and is replaced where nobody does', async () => {
    const path = join(folder, 'p.sock');
    const first = await start(path);
    await expect(start(path)).rejects.toMatchObject({ code: 'CSI_SOCKET_IN_USE' });
    expect((await first.client.version()).version).toBe('v1alpha1');
    await first.close();
    // As a crash leaves it: bound, and nobody listens.
    const crashed = createServer().listen(`${path}.old`);
    await new Promise((resolve) => crashed.on('listening', resolve));
    await link(`${path}.old`, path);
    await new Promise((resolve) => crashed.close(resolve));
    expect((await lstat(path)).isSocket()).toBe(true);
    await mkdir(join(folder, '.p.sock'));
    await writeFile(join(folder, '.p.sock', 's'), 'half started');
    const second = await start(path);
    expect((await second.client.version()).version).toBe('v1alpha1');
    await second.close();
  });

  it('replaces no file and no link, and goes into no folder that others write to', async () => {
    const path = join(folder, 'p.sock');
    await writeFile(path, 'kept');
    await expect(start(path)).rejects.toMatchObject({ code: 'CSI_SOCKET_INVALID' });
    await rm(path);
    await symlink('/run/other.sock', path);
    await expect(start(path)).rejects.toMatchObject({ code: 'CSI_SOCKET_INVALID' });
    await rm(path);
    await chmod(folder, 0o777);
    await expect(start(path)).rejects.toMatchObject({ code: 'CSI_SOCKET_INVALID' });
    await chmod(folder, 0o700);
    await expect(start(join(folder, 'x'.repeat(100)))).rejects.toMatchObject({ code: 'CSI_SOCKET_INVALID' });
    expect(await readdir(folder)).toEqual([]);
  });

  it('is not taken away from a provider that has replaced this one', async () => {
    const path = join(folder, 'p.sock');
    const first = await start(path);
    await rm(path);
    const second = await start(path);
    await first.close();
    const client = connectTo(path);
    expect((await client.version()).version).toBe('v1alpha1');
    client.close();
    await second.close();
  });
});
