/**
 * How the parts of a job queue are called on the server, and how ids become tokens of subjects.
 *
 * @module
 */

/** The names of one queue's streams, consumers and subjects. */
export class Names {
  readonly #name: string;
  /** The stream of all that is unfinished. */
  readonly work: string;
  /** The stream of what is due, and had no room in `work` in that moment. */
  readonly due: string;
  /** The consumer of the jobs whose delay is not over, and of `due`. */
  readonly mover = "mover";

  constructor(name: string) {
    this.#name = name;
    // No name of a queue has a "-" where these have one, so that no two queues share a stream.
    this.work = `SLUICE_${name}`;
    this.due = `SLUICE-DUE_${name}`;
  }

  /** All that `work` stores. */
  get workSubjects(): string {
    return `sluice.${this.#name}.>`;
  }

  /** A level's jobs, for whomever. */
  levelSubjects(level: number): string {
    return `sluice.${this.#name}.${level}.*`;
  }

  /** A job for all groups, or for one. */
  jobSubject(level: number, group?: string): string {
    return `sluice.${this.#name}.${level}.${group === undefined ? "all" : `=${group}`}`;
  }

  get delayedSubjects(): string {
    return `sluice.${this.#name}.delayed.*`;
  }

  delayedSubject(level: number): string {
    return `sluice.${this.#name}.delayed.${level}`;
  }

  get dueSubjects(): string {
    return `sluice-due.${this.#name}.*`;
  }

  dueSubject(level: number): string {
    return `sluice-due.${this.#name}.${level}`;
  }

  /** The stream of a group's dead letters. */
  dead(group: string): string {
    return `SLUICE-DEAD_${this.#name}=${group}`;
  }

  deadSubjects(group: string): string {
    return `sluice-dead.${this.#name}.${group}.*`;
  }

  deadSubject(group: string, token: string): string {
    return `sluice-dead.${this.#name}.${group}.${token}`;
  }

  consumer(group: string, level: number): string {
    return `${level}_${group}`;
  }
}

/** Whether a job's last token says that it is for somebody else. */
export function isForOthers(subject: string, group: string): boolean {
  const from = subject.lastIndexOf(".") + 1;
  return subject[from] === "=" && subject.slice(from + 1) !== group;
}

/** An id as a token that subjects and headers may hold, whatever is in it. */
export function tokenOf(id: string): string {
  return /^[A-Za-z0-9_-]*$/.test(id)
    ? id
    : id.replace(/[^A-Za-z0-9_-]/g, (unit) => `=${hex(unit.charCodeAt(0))}`);
}

/** The id of a token. */
export function idOf(token: string): string {
  return token.includes("=")
    ? token.replace(/=([0-9a-f]{4})/g, (_, code) => String.fromCharCode(parseInt(code, 16)))
    : token;
}

function hex(code: number): string {
  return code.toString(16).padStart(4, "0");
}
