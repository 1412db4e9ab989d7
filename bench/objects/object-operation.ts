/** What is measured of the ready-made objects. Names only: the parent reads them, and must not start a node. */

/** The calls of a row: one command again and again, or two in turn. */
export const OBJECT_OPERATIONS = [
  'ReplCounter.add',
  'ReplCounter.add on each of 1,000',
  'ReplMap.set',
  'ReplMap.set, 100 watch a key each',
  'ReplMap.set, 1 watches all',
  'ReplMap.set, 100 watch all',
  'ReplMap.set, 100 watch all, in batches',
  'ReplList.push, pop',
  'ReplSet.add, delete',
  'ReplQueue.put, take',
  'ReplPriorityQueue.put, take',
] as const;
export type ObjectOperation = (typeof OBJECT_OPERATIONS)[number];

export function isObjectOperation(operation: string): operation is ObjectOperation {
  return (OBJECT_OPERATIONS as readonly string[]).includes(operation);
}
