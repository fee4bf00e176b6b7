"""The data of a run: request, fleet, state, report and their JSON; imports no other package of snow_white."""
