/**
 * The next version of the class: "Ada" and "ada" are one, and a vote can be taken back. In your program it is the same
 * file, edited; here the old one stays beside it, so that both can run at once.
 */

import { replicated } from 'conclave';
import { VoteBox as OldVoteBox } from './vote-box.js';

export class VoteBox extends OldVoteBox {
  static override readonly module: string = import.meta.url;

  /** What callers call stays `vote`: from code version 1 on, this is what it does. */
  @replicated({ version: 1, of: 'vote' }) voteIgnoringCase(name: string): number {
    return super.vote(name.toLowerCase());
  }

  /** New: it can be called once version 1 is in force. */
  @replicated({ version: 1 }) takeBack(name: string): number {
    const count = Math.max(0, (this.votes.get(name.toLowerCase()) ?? 0) - 1);
    this.votes.set(name.toLowerCase(), count);
    return count;
  }
}
