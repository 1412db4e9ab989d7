import { describe, expect, test } from 'vitest';
import { resolveDefinition, type ResolvedObject } from '../../../src/actors/replicated/object-definition.js';
import { ValueCodec } from '../../../src/actors/replicated/value-codec.js';
import { checkKnownObjects } from '../../../src/node/known-objects.js';
import { replaceSmallFile } from '../../../src/storage/small-file.js';
import { SimulatedCrash } from '../../../src/testing/simulated-disk-crash.js';
import { SimulatedDisk } from '../../../src/testing/simulated-disk.js';
import { Ledger } from './fixtures/ledger.js';

const DIR = '/data';
const codec = new ValueCodec();
const book = await resolveDefinition('book', Ledger, codec);
const more = await resolveDefinition('more', Ledger, codec);

function without(object: ResolvedObject, method: string): ResolvedObject {
  const isOther = ([name]: readonly [string, unknown]): boolean => name !== method;
  const [methods, commands] = [[...object.methods].filter(isOther), [...object.commands].filter(isOther)];
  return { ...object, methods: new Map(methods), commands: new Map(commands) };
}

function diskWith(...objects: ResolvedObject[]): SimulatedDisk {
  const disk = new SimulatedDisk(1);
  disk.makeDirectory(DIR);
  checkKnownObjects(disk, DIR, objects)();
  return disk;
}

const refused = (data: object): object => expect.objectContaining({ code: 'ERR_INVALID_OBJECT', data });

describe('the objects of a data directory', () => {
  test('may become more, and queries may go', () => {
    const disk = diskWith(book);

    checkKnownObjects(disk, DIR, [without(book, 'sum'), more])();

    expect(() => checkKnownObjects(disk, DIR, [book, more])).not.toThrow();
    expect(disk.openFiles).toBe(0);
  });

  test('may become less again where nothing could be done with them: others have refused such a node', () => {
    const disk = diskWith(book);

    checkKnownObjects(disk, DIR, [book, more]);

    expect(() => checkKnownObjects(disk, DIR, [book])).not.toThrow();
  });

  test('may not become less: what the log says to them would be lost', () => {
    const disk = diskWith(book, more);

    expect(() => checkKnownObjects(disk, DIR, [book])).toThrow(refused({ object: 'more' }));
    expect(() => checkKnownObjects(disk, DIR, [without(book, 'add'), more])).toThrow(
      refused({ object: 'book', method: 'add' }),
    );
    expect(() => checkKnownObjects(disk, DIR, [book, more])).not.toThrow();
  });

  test('may become less again where they are of a later code version: until that is in force there is a way back', () => {
    const later = { ...more, since: 1 };
    const commands = new Map([...book.commands, ['burn', [{ version: 1, method: 'burn' }]]] as const);
    const disk = diskWith({ ...book, methods: new Map([...book.methods, ['burn', 'replicated']]), commands }, later);

    expect(() => checkKnownObjects(disk, DIR, [book])).not.toThrow();
  });

  test('may not come to be of a later code version: the log may speak of the first one', () => {
    const disk = diskWith(book, more);
    const later = new Map([...book.commands, ['add', [{ version: 1, method: 'add' }]]] as const);

    expect(() => checkKnownObjects(disk, DIR, [{ ...book, commands: later }, more])).toThrow(
      refused({ object: 'book', method: 'add' }),
    );
    expect(() => checkKnownObjects(disk, DIR, [book, { ...more, since: 1 }])).toThrow(refused({ object: 'more' }));
  });

  test('are remembered with the classes that objects are created of, which may have the name of one', () => {
    const disk = diskWith(book);
    checkKnownObjects(disk, DIR, [book], [book, more])();

    expect(() => checkKnownObjects(disk, DIR, [book, more], [book])).toThrow(refused({ class: 'more' }));
    expect(() => checkKnownObjects(disk, DIR, [book], [without(book, 'add'), more])).toThrow(
      refused({ class: 'book', method: 'add' }),
    );
  });

  test.each(['__proto__', 'constructor', '0', 'Straße \u{1f6e3}'])(
    'are remembered whatever they are called: %s',
    (name) => {
      const disk = diskWith(book, { ...more, name });

      expect(() => checkKnownObjects(disk, DIR, [book])).toThrow(refused({ object: name }));
      expect(() => checkKnownObjects(disk, DIR, [book, { ...more, name }])).not.toThrow();
    },
  );

  test('are refused when it is not known what they were', () => {
    const disk = diskWith(book);
    disk.flipBit(`${DIR}/objects.json`, 0, 1);

    expect(() => checkKnownObjects(disk, DIR, [book])).toThrow(
      expect.objectContaining({ code: 'ERR_STORAGE_CORRUPT' }),
    );
  });

  test('are left alone when a newer version wrote them, whatever else that version has changed', () => {
    const disk = new SimulatedDisk(1);
    disk.makeDirectory(DIR);
    replaceSmallFile(disk, `${DIR}/objects.json`, '{"version": 2, "what": "who knows"}');

    expect(() => checkKnownObjects(disk, DIR, [book])).toThrow(
      expect.objectContaining({ code: 'ERR_DATA_DIR_MISMATCH', message: expect.stringContaining('newer version') }),
    );
  });

  test.each(['null', '[]', '{"version": 1}', '{"version": 0, "objects": {}}'])(
    'are refused when the file holds %s',
    (text) => {
      const disk = new SimulatedDisk(1);
      disk.makeDirectory(DIR);
      replaceSmallFile(disk, `${DIR}/objects.json`, text);

      expect(() => checkKnownObjects(disk, DIR, [book])).toThrow(
        expect.objectContaining({ code: 'ERR_STORAGE_CORRUPT' }),
      );
    },
  );

  test('are remembered from before anything can be done with them, whatever crashes', () => {
    for (let point = 1; point < 8; point++) {
      for (let seed = 0; seed < 10; seed++) {
        const disk = diskWith(book);
        disk.crashAt(disk.operations + point);
        let isRemembered = true;
        try {
          checkKnownObjects(disk, DIR, [book, more])();
        } catch (error) {
          if (!(error instanceof SimulatedCrash)) throw error;
          isRemembered = false;
        }
        const next = disk.afterPowerLoss(seed);

        if (isRemembered) expect(() => checkKnownObjects(next, DIR, [book])).toThrow(refused({ object: 'more' }));
        else expect(() => checkKnownObjects(next, DIR, [book, more])).not.toThrow();
      }
    }
  });
});
