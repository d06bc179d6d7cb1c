import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENGINES, LIMITS, NO_SANDBOX, processesNamed, runIn, testSandbox } from './sandbox.fixture.ts';
import type { Sandbox } from './sandbox.ts';
import { makeWorkspace } from './workspace.ts';

const runFolder = (sandbox: Sandbox, folder: string) =>
  sandbox.run({ folder, commands: ['true'], readOnly: [], limits: LIMITS });

for (const engine of ENGINES) {
  describe.skipIf(engine.missing !== undefined)(
    `what runs under ${engine.name} (${engine.missing ?? 'real'})`,
    () => {
      const sandbox = testSandbox(engine.options);
      const secret = randomUUID();
      let folder: string;
      const servers: Server[] = [];
      let port = 0;
      let connections = 0;

      beforeAll(async () => {
        folder = mkdtempSync(join(tmpdir(), 'pf-hidden-'));
        writeFileSync(join(folder, 'secret'), secret, { mode: 0o644 });
        const listen = async (where: object) => {
          const server = createServer((socket) => {
            connections++;
            socket.end(secret);
          });
          servers.push(server);
          await new Promise<void>((resolve) => server.listen(where, resolve));
          return server.address();
        };
        port = ((await listen({ port: 0, host: '127.0.0.1' })) as { port: number }).port;
        await listen({ path: `\0pf-${secret}` });
        await listen({ path: join(folder, 'socket') });
      });

      afterAll(() => {
        for (const server of servers) server.close();
        rmSync(folder, { recursive: true });
      });

      it.skipIf(process.getuid?.() !== 0)(
        'sees nothing of a governed tree or data folder that lies in a folder of the system',
        async () => {
          const inUsr = mkdtempSync('/usr/local/pf-hidden-');
          mkdirSync(join(inUsr, 'keys'));
          writeFileSync(join(inUsr, 'keys/secret'), secret, { mode: 0o644 });
          chmodSync(inUsr, 0o755);
          try {
            const hiding = testSandbox({ ...engine.options, hidden: [inUsr, join(inUsr, 'keys')] });
            const command = `find ${inUsr}; cat ${inUsr}/keys/secret; touch ${inUsr}/x`;
            if (engine.name === 'podman')
              await expect(runIn(hiding, command)).rejects.toMatchObject({ code: 'SANDBOX_UNAVAILABLE' });
            else expect((await runIn(hiding, command)).stdout).toBe(`${inUsr}\n`);
          } finally {
            rmSync(inUsr, { recursive: true });
          }
        },
      );

      it('reaches no listener of the host: not its loopback, no abstract socket, no socket file', async () => {
        const script = `
      use Socket;
      socket(my $tcp, PF_INET, SOCK_STREAM, 0); print 'tcp ', connect($tcp, sockaddr_in(${port}, INADDR_LOOPBACK)) ? 'in' : $!, "\\n";
      socket(my $abstract, PF_UNIX, SOCK_STREAM, 0);
      print 'abstract ', connect($abstract, pack('S', 1) . "\\0pf-${secret}") ? 'in' : $!, "\\n";
      socket(my $file, PF_UNIX, SOCK_STREAM, 0); print 'file ', connect($file, sockaddr_un('${folder}/socket')) ? 'in' : $!, "\\n";
      print 'vsock ', socket(my $vsock, 40, SOCK_STREAM, 0) ? 'in' : $!, "\\n";
      print 'netlink ', socket(my $netlink, 16, SOCK_RAW, 0) ? 'in' : $!, "\\n";`;
        const { stdout } = await runIn(sandbox, ['perl', '-e', script]);
        expect(stdout.split('\n')).toEqual([
          'tcp Connection refused',
          'abstract Connection refused',
          'file No such file or directory',
          'vsock Address family not supported by protocol',
          'netlink Address family not supported by protocol',
          '',
        ]);
        expect(connections).toBe(0);
      });

      it("sees none of the host's files, processes or names", async () => {
        process.env.SAFEAI_TEST_SECRET = secret;
        try {
          const { stdout, stderr } = await runIn(
            sandbox,
            `cat ${folder}/secret /root/* /home/* /etc/shadow /proc/1/environ /proc/*/environ 2>&1 | tr '\\0' '\\n'
         ls / /root /home /var /run /tmp /mnt /proc/1/cwd/ /proc/1/root/ 2>&1
         echo /proc/[0-9]*; cat /proc/sys/kernel/hostname /etc/passwd; id`,
          );
          expect(stdout + stderr).not.toContain(secret);
          expect(stdout).not.toMatch(/SAFEAI|NODE|VITEST|root:x/);
          expect(stdout).toMatch(/^sandbox$/m);
          expect(stdout).toMatch(/^uid=([1-9]\d+)\(sandbox\) gid=\1\(sandbox\) groups=\1\(sandbox\)$/m);
          expect(stdout).toMatch(engine.root);
          // The shell that waits, the command's own, and nothing besides.
          expect(stdout).toMatch(/^\/proc\/1 \/proc\/\d+$/m);
        } finally {
          delete process.env.SAFEAI_TEST_SECRET;
        }
      });

      it('has an environment of five names and what the run gave it', async () => {
        const { stdout } = await runIn(sandbox, ['/usr/bin/env'], {
          environment: { STAGE: 'test', PATH: '/evil' },
        });
        expect(stdout.trim().split('\n').sort()).toEqual([
          'HOME=/tmp',
          'LANG=C.UTF-8',
          'PATH=/usr/local/bin:/usr/bin:/bin',
          'PWD=/workspace',
          'STAGE=test',
          'TZ=UTC',
        ]);
      });

      it('writes nowhere but into /workspace and /tmp', async () => {
        const { stdout, rc } = await runIn(
          sandbox,
          `for f in / /usr /usr/bin /etc /etc/passwd /gate /run /sys /dev /dev/mqueue /dev/null/.. /proc/sys/kernel/core_pattern /proc/sysrq-trigger /lib; do
         if [ -d $f ]; then f=$f/planted; fi
         (echo x > $f) 2>/dev/null && echo "wrote $f"
       done
       echo x > /workspace/a && echo x > /tmp/a && echo x > /dev/shm/a && echo x > /dev/null && echo done`,
        );
        expect([stdout, rc]).toEqual(['done\n', 0]);
      });

      it('gets no power out of setuid programs, device nodes or capabilities', async () => {
        const { stdout } = await runIn(
          sandbox,
          `grep -E '^(CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):' /proc/self/status | tr '\\t' ' '
       cp /bin/sh /workspace/sh && chmod 4755 /workspace/sh && /workspace/sh -p -c '[ $(id -u) = '$(id -u)' ] && echo "the same user"'
       mknod /tmp/disk b 8 0 2>&1; mknod /workspace/zero c 1 5 2>&1; chown 0:0 /workspace/sh 2>&1 | cut -c1-28
       grep -v nosuid /proc/self/mounts | grep -v ' ro,'`,
        );
        expect(stdout).toBe(
          [
            'CapPrm: 0000000000000000',
            'CapEff: 0000000000000000',
            'CapBnd: 0000000000000000',
            'CapAmb: 0000000000000000',
            'NoNewPrivs: 1',
            'Seccomp: 2',
            'the same user',
            'mknod: /tmp/disk: Operation not permitted',
            'mknod: /workspace/zero: Operation not permitted',
            'chown: changing ownership of',
            '',
          ].join('\n'),
        );
      });

      it('cannot end its supervisor, and what it starts ends with it', async () => {
        const word = `pf-${randomUUID()}`;
        const started = performance.now();
        const { rc, stdout } = await runIn(
          sandbox,
          `kill -9 1; kill -STOP 1; kill -9 -1; setsid perl -e '$0="${word}"; $SIG{TERM}="IGNORE"; close STDOUT; close STDERR; sleep 60' &
       perl -e '$0="${word}"; sleep 60' & sleep 0.1; echo here; exit 7`,
        );
        // Linux spares the caller of `kill -9 -1`, and nobody inside can end the first process.
        expect([rc, stdout]).toEqual([7, 'here\n']);
        expect(processesNamed(word)).toBe(0);
        expect(performance.now() - started).toBeLessThan(5_000);
      });

      it('a link that it plants shows what it may see, and its removal leaves the target alone', async () => {
        const target = join(folder, 'secret');
        const workspace = await makeWorkspace(tmpdir());
        const run = { folder: workspace.folder, readOnly: [], limits: LIMITS };
        const { stdout } = await sandbox.run({
          ...run,
          commands: [`ln -s ${target} link; ln -s ${folder} dir; cat link dir/secret; ls`],
        });
        expect(stdout).toBe('dir\nlink\n');
        // Run again on it, the whole copy is handed to another user: through no link.
        await sandbox.run({ ...run, commands: ['mkdir locked && chmod 000 locked'] });
        await workspace.remove();
        expect(readFileSync(target, 'utf8')).toBe(secret);
      });
    },
  );
}

describe.skipIf(NO_SANDBOX !== undefined)(`the folder of a run (${NO_SANDBOX ?? 'real bubblewrap'})`, () => {
  const sandbox = testSandbox();
  const folder = mkdtempSync(join(tmpdir(), 'pf-hidden-'));
  const secret = randomUUID();
  afterAll(() => rmSync(folder, { recursive: true }));

  it('a tree deeper than any path can be is removed', async () => {
    const workspace = await makeWorkspace(tmpdir());
    const dig = 'my $n = "d" x 200; for (1 .. 30) { mkdir $n or die $!; chdir $n or die $! } print "dug"';
    const run = { folder: workspace.folder, commands: [['perl', '-e', dig]], readOnly: [], limits: LIMITS };
    expect((await sandbox.run(run)).stdout).toBe('dug');
    await workspace.remove();
    expect(existsSync(workspace.folder)).toBe(false);
  });

  it('never starts in the governed tree or in what holds it', async () => {
    const workspace = await makeWorkspace(tmpdir());
    const governed = testSandbox({ hidden: [join(workspace.folder, 'tree')] });
    await expect(runFolder(governed, workspace.folder)).rejects.toThrow(/private copy/);
    await workspace.remove();
  });

  it('does not start in a folder that is a link, or below one', async () => {
    const workspace = await makeWorkspace(tmpdir());
    const link = join(folder, 'link');
    symlinkSync(workspace.folder, link);
    const refused = sandbox.run({ folder: link, commands: ['true'], readOnly: [], limits: LIMITS });
    await expect(refused).rejects.toMatchObject({ code: 'SANDBOX_UNAVAILABLE', message: /without links/ });
    await workspace.remove();
  });

  it("no descriptor that the governor's starter left open is in it", async () => {
    writeFileSync(join(folder, 'secret'), secret);
    const child = spawn(
      '/bin/bash',
      // Node closes low numbers by itself, and stops at the first gap above 15.
      [
        '-c',
        `exec 99< ${folder}/secret; exec "$@"`,
        'sh',
        process.execPath,
        '--import',
        'tsx',
        './list-descriptors.fixture.ts',
      ],
      { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    await new Promise((resolve) => child.once('close', resolve));
    expect(stdout).toContain('99 -> /dev/null');
    expect(stdout).not.toContain('secret');
    expect(stdout).not.toContain(secret);
  });
});
