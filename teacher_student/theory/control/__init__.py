"""Optimal curricula: the schedule that ends at the smallest loss, through the order-parameter equations.

    optimum         `optimal_schedule`, the call
    chosen          `Optimum`, what it returns: the best of relaxed and bang-bang schedules
    problem         what is asked, checked and laid out
    flow            the equations under controls, on fixed steps: loss and gradients
    polytope        controls with given shares: projection, extreme points, rounding
    starts          named orders as controls, and the guesses that descents start from
    descent         projected gradient on the relaxed mixing of rates
    pontryagin      costate, switching function and the forward-backward sweep
    phases          bang-bang schedules, their durations descended
    accuracy        fixed steps against the adaptive integration

The control u(t) mixes the *rates of change* of the levels, sum_c u_c(t) f_c: what samples drawn from level c
with probability u_c(t) do to the order parameters. A level of the mixed noise would be another problem.
"""
