/**
 * Groups of tasks, pools of workers, schedulers, and ways to collect what they give.
 *
 * @module
 */
export {};
