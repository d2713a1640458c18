pub struct Exploration;pub struct Point;pub struct Violation;pub fn explore(){}
