import { expect, it } from 'vitest';
import { SimulatedDisk } from '../../../../src/testing/simulated-disk.js';
import { SimulatedHost } from './support/simulated-node.js';

it('probe', async () => {
  for (let i = 0; i < 20; i++) {
    const t = performance.now();
    const disk = new SimulatedDisk(1);
    const host = new SimulatedHost(1, ['a:1']);
    const node = await host.start('a:1', disk);
    const j = node.runtime!.objects.journal;
    const out: unknown[] = [];
    out.push(disk.operations, host.simulation.nowMs());
    for (let n = 1; n <= 12; n++) await host.settled(j.append(n, 'x'.repeat(1000)));
    out.push(disk.operations, host.simulation.nowMs());
    await host.settled(node.runtime!.compact());
    out.push(disk.operations, host.simulation.nowMs());
    for (let n = 1; n <= 12; n++) await host.settled(j.append(n, 'x'.repeat(1000)));
    await host.settled(node.runtime!.compact());
    out.push(disk.operations, host.simulation.nowMs());
    await host.stop(node);
    out.push(disk.operations, host.simulation.nowMs(), disk.openFiles);
    const again = await host.start('a:1', disk);
    out.push((await host.settled(again.runtime!.objects.journal.all())).length);
    await host.stop(again);
    out.push(disk.operations, host.simulation.nowMs(), disk.openFiles, performance.now() - t);
    console.log(out.join(' '), [...disk.files().keys()].join(' '));
  }
});
